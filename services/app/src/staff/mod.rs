//! Staff: the people who sign in, their passwords and sessions.
//!
//! This folder owns how a person proves who they are and when an account is locked. It must not
//! know what a role may do; that is `domain`'s. Staff belong to no app, so what is done here stands
//! in no app's log; it is traced, by id.

mod gate;
mod login;
mod logout;
mod password;
mod users;

pub use login::{SignedIn, login};
pub use logout::logout;
pub use users::{NewStaff, StaffUser, create_user, disable_user, list_users, set_password};

pub(crate) use gate::PasswordGate;

#[cfg(test)]
mod tests;
