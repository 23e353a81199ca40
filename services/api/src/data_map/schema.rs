//! `GET /v1/schemas/data-map`

use actix_web::{HttpResponse, get};
use oubli_domain::data_map::SCHEMA;

/// The schema of data maps
///
/// JSON Schema, draft 2020-12. Beyond it, the references between the parts of a data map are
/// checked when one is put.
#[utoipa::path(
    tag = "Data map",
    responses((status = 200, description = "The schema", body = Value,
        content_type = "application/schema+json",
        example = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema" }))),
)]
#[get("/v1/schemas/data-map")]
pub(crate) async fn get_data_map_schema() -> HttpResponse {
    HttpResponse::Ok().content_type("application/schema+json").body(SCHEMA)
}
