//! `GET /v1/schemas/import-line`

use actix_web::{HttpResponse, get};
use oubli_domain::import_line::SCHEMA;

/// The schema of import lines
///
/// JSON Schema, draft 2020-12, of each line of `POST /v1/apps/{app}/import` and of the files that
/// `oubli import` reads and `oubli export` writes. `begin` and `end` stand in files alone.
#[utoipa::path(
    tag = "Import",
    responses((status = 200, description = "The schema", body = Value,
        content_type = "application/schema+json",
        example = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema" }))),
)]
#[get("/v1/schemas/import-line")]
pub(crate) async fn get_import_line_schema() -> HttpResponse {
    HttpResponse::Ok().content_type("application/schema+json").body(SCHEMA)
}
