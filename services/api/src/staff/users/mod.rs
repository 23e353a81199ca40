//! `/v1/staff/users`: the accounts, for who manages them.

mod change;
mod create;
mod disable;
mod enable;
mod get;
mod list;
mod reset_password;
mod sessions;

use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    // Paths with a verb come first: `{user}` alone would match them too.
    config
        .service(reset_password::reset_password)
        .service(disable::disable_user)
        .service(enable::enable_user)
        .service(sessions::list_user_sessions)
        .service(create::create_user)
        .service(list::list_users)
        .service(get::get_user)
        .service(change::change_user);
}
