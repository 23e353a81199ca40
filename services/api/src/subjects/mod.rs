//! `/v1/apps/{app}/subjects`: data subjects and what finds them.

mod add_identifier;
mod contact;
mod create;
mod ensure;
mod get;
mod list;
mod lookup;
mod remove_identifier;
pub(crate) mod wire;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(create::create_subject)
        .service(ensure::ensure_subject)
        .service(lookup::lookup_subject)
        .service(list::list_subjects)
        .service(get::get_subject)
        .service(add_identifier::add_identifier)
        .service(remove_identifier::remove_identifier)
        .service(contact::record_contact);
}
