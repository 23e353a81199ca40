//! `/health`: whether the process runs, and whether it can serve.

mod live;
mod ready;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(live::live).service(ready::ready);
}
