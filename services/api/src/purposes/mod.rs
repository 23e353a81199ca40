//! `/v1/apps/{app}/purposes`: why the app processes data, as the data map in force says.

mod get;
mod list;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(list::list_purposes).service(get::get_purpose);
}
