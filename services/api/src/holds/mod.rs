//! `/v1/apps/{app}/holds`: legal holds.

mod create;
mod get;
mod list;
mod release;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(create::create_hold)
        .service(list::list_holds)
        .service(get::get_hold)
        .service(release::release_hold);
}
