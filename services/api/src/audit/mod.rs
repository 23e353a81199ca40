//! `/v1/apps/{app}/audit`: what the log says about a question.

mod exposure;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(exposure::get_exposure);
}
