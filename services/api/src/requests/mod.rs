//! `/v1/apps/{app}/requests`: data subject requests.

mod certificate;
mod create;
mod download;
mod get;
mod list;
mod preview;
mod supplements;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(create::create_request)
        .service(preview::preview_erasure)
        .service(list::list_requests)
        .service(get::get_request)
        .service(certificate::get_certificate)
        .service(supplements::list_supplements)
        .service(download::issue_download);
}
