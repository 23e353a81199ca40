//! `/v1/staff`: signing in and out.

mod login;
mod logout;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(login::login).service(logout::logout);
}
