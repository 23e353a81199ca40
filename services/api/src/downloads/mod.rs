//! `/v1/apps/{app}/exports`: handing bundles out. The download token is all that is asked for: the
//! person who holds it has no account here.

mod get;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(get::download_export);
}
