//! `/v1/apps/{app}/deletion`: deleting an app, which takes two admins.

mod approve;
mod cancel;
mod certificate;
mod get;
mod propose;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(propose::propose_deletion)
        .service(approve::approve_deletion)
        .service(get::get_deletion)
        .service(cancel::cancel_deletion)
        .service(certificate::get_deletion_certificate);
}
