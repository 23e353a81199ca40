//! `/v1/apps/{app}/consents` and `/v1/apps/{app}/subjects/{subject}/consents`: what people
//! consented to, and what may be done because of it.

mod batch;
mod check;
mod check_batch;
mod events;
mod get;
mod receipt;
mod record;
mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(record::record_consent)
        .service(get::get_consents)
        .service(events::list_consent_events)
        .service(receipt::get_consent_receipt)
        .service(batch::record_consents)
        .service(check::check_consent)
        .service(check_batch::check_consents);
}
