//! `/v1/apps/{app}/events`: the log.

mod csv;
mod export;
mod filter;
mod list;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(list::list_events).service(export::export_events);
}
