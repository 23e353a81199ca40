//! `PUT /v1/apps/{app}/data-map`

use actix_web::{HttpResponse, put, web};
use oubli_app::data_map;
use oubli_domain::Refusal;
use oubli_domain::data_map::MAX_DOCUMENT;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, Write, scopes};
use crate::problem::Answer;
use crate::state::{Api, Limit, Limits};

/// A data map, as its schema at `/v1/schemas/data-map` says; 1 MiB of compact JSON at most.
#[derive(ToSchema)]
#[schema(value_type = Object)]
struct DataMapBody(Value);

impl Input for DataMapBody {
    /// The bound is on the canonical form: white space may double it.
    fn most_bytes(_: &Limits) -> Limit {
        Limit::fixed(2 * MAX_DOCUMENT)
    }

    fn read(value: Value) -> Result<Self, Refusal> {
        Ok(Self(value))
    }
}

/// The version in force.
#[derive(Serialize, ToSchema)]
struct PutDataMap {
    /// Its number.
    #[schema(minimum = 1, example = 1)]
    version: i64,
    /// SHA-256 of its canonical form (RFC 8785), as hex digits.
    #[schema(example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    digest: String,
}

/// Put a data map in force
///
/// A data map that is in force already stays the version it is. Problems: `invalid-data-map` with
/// the places that are wrong, `too-large`, `stored-field-type` with the number of records for each
/// field whose type would change.
#[utoipa::path(
    tag = "Data map",
    params(("app" = String, Path, description = "The app")),
    request_body = DataMapBody,
    responses(
        (status = 200, description = "It was in force already", body = PutDataMap),
        (status = 201, description = "A new version is in force", body = PutDataMap),
    ),
    security(("oauth2" = ["data-map:write"]), ("staff" = [])),
)]
#[put("/v1/apps/{app}/data-map")]
pub(crate) async fn put_data_map(
    api: web::Data<Api>,
    write: Write<scopes::DataMapWrite, DataMapBody>,
) -> Answer {
    let put = data_map::put(&api.oubli, &write.call, write.body.0).await?;
    let mut answer = if put.changed { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer.json(PutDataMap { version: put.version, digest: put.digest }))
}
