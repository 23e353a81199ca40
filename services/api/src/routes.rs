//! The endpoints. This list is the only one: the OpenAPI document and the tests are made from it.

use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    apps, audit, clients, consents, data_map, downloads, events, health, holds, import, kept_items,
    leaving, notices, oauth, openapi, pages, purposes, records, register, requests, staff,
    subjects, unmatched,
};

/// Adds every endpoint. A path is held against them in this order, so what backends call all day
/// comes first.
pub fn routes(config: &mut ServiceConfig) {
    config
        .configure(consents::routes)
        .configure(records::routes)
        .configure(subjects::routes)
        .configure(oauth::routes)
        .configure(staff::routes)
        .configure(apps::routes)
        .configure(leaving::routes)
        .configure(clients::routes)
        .configure(data_map::routes)
        .configure(register::routes)
        .configure(notices::routes)
        .configure(purposes::routes)
        .configure(requests::routes)
        .configure(holds::routes)
        .configure(kept_items::routes)
        .configure(downloads::routes)
        .configure(events::routes)
        .configure(audit::routes)
        .configure(import::routes)
        .configure(health::routes)
        .configure(openapi::routes)
        .configure(pages::routes)
        .map(|config| {
            unmatched::extractors(config);
            config
        });
}
