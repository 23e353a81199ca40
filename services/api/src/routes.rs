//! The endpoints. This list is the only one: the OpenAPI document and the tests are made from it.

use utoipa_actix_web::service_config::ServiceConfig;

use crate::{openapi, records, subjects, unmatched};

/// Adds every endpoint.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(subjects::routes).configure(records::routes).configure(openapi::routes).map(
        |config| {
            unmatched::extractors(config);
            config
        },
    );
}
