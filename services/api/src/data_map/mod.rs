//! `/v1/apps/{app}/data-map`: what an app declares about the data it keeps.

mod diff;
mod get;
mod privacy_notice;
mod put;
mod schema;
mod version;
mod versions;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(put::put_data_map)
        .service(get::get_data_map)
        .service(versions::list_data_maps)
        .service(version::get_data_map_version)
        .service(diff::diff_data_maps)
        .service(privacy_notice::get_privacy_notice)
        .service(schema::get_data_map_schema);
}
