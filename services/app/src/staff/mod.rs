//! Staff: the people who sign in, their passwords and sessions.
//!
//! This folder owns how a person proves who they are and when an account is locked. It must not
//! know what a role may do; that is `domain`'s. Staff belong to no app, so what is done here stands
//! in no app's log but in the staff events, by id.

mod change_password;
mod events;
mod gate;
mod login;
mod logout;
mod manage;
mod password;
mod sessions;
mod sign_ins;
mod users;

pub use change_password::change_password;
pub use events::{StaffEvent, list_events};
pub use login::{SignedIn, login};
pub use logout::logout;
pub use manage::{
    NewAccount, TemporaryPassword, add_user, change_user, disable, enable, find_user,
    reset_password, visible_users,
};
pub use sessions::{Session, end_session, own_sessions, sessions_of};
pub use sign_ins::{SignIn, SignInsQuery, sign_ins};
pub use users::{
    NewStaff, StaffUser, create_user, disable_user, is_name, list_users, set_password,
};

pub(crate) use events::Told;
pub(crate) use gate::PasswordGate;
pub(crate) use sign_ins::purge_sign_ins;

#[cfg(test)]
mod account_tests;
#[cfg(test)]
mod tests;
