//! `/v1/apps/{app}/events`: the log.

mod list;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(list::list_events);
}
