//! `/v1/apps`: the tenants and their settings.

mod create;
mod get;
mod get_settings;
mod list;
mod put_settings;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(create::create_app)
        .service(list::list_apps)
        .service(get::get_app)
        .service(get_settings::get_settings)
        .service(put_settings::put_settings);
}
