//! `/v1/staff`: signing in and out, one's own password and sessions, and the accounts of staff.

mod end_session;
mod events;
mod login;
mod logout;
mod me;
mod password;
mod sessions;
mod sign_ins;
mod users;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(login::login)
        .service(logout::logout)
        .service(me::get_me)
        .service(password::change_password)
        .service(sessions::list_sessions)
        .service(end_session::end_session)
        .service(sign_ins::list_sign_ins)
        .service(events::list_staff_events)
        .configure(users::routes);
}
