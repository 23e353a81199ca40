//! `/v1/apps/{app}/register`: the records of processing activities (Art. 30).

mod csv;
mod get;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(get::get_register);
}
