//! `GET /v1/apps/{app}/subjects/{subject}/records/{category}/{record}`

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, get, web};
use oubli_app::records::{self, Read};
use oubli_domain::{Name, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::wire::RecordPath;
use crate::extract::{Granted, etag, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Why a record is read.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PurposeQuery {
    /// A purpose of the data map. Its fields alone are answered, and only while it holds.
    #[param(value_type = String, example = "newsletter")]
    purpose: Name,
}

/// What a purpose may see of a record.
#[derive(Serialize, ToSchema)]
struct Record {
    /// The record's version; also its `ETag`.
    #[schema(minimum = 1, example = 1)]
    version: i64,
    /// When it was first put.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
    /// The fields that the purpose reads.
    #[schema(value_type = Object, example = json!({"name": "Ada Lovelace"}))]
    body: Map<String, Value>,
}

/// Read a record for a purpose
///
/// The read is in the log before it is answered; so is a refused one. Problems: `unknown-purpose`,
/// `unknown-category`, `purpose-not-permitted`, `record-not-found`, `subject-not-found`,
/// `subject-erasing`, `subject-restricted`.
#[utoipa::path(
    tag = "Records",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id"),
        ("category" = String, Path, description = "A category of the data map"),
        ("record" = String, Path, description = "The record's id"),
        PurposeQuery),
    responses(
        (status = 200, description = "The fields that the purpose reads", body = Record, headers(("ETag" = String, description = "The version"))),
        (status = 409, description = "The person is being erased",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 423, description = "Processing is restricted",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["records:read"])),
)]
#[get("/v1/apps/{app}/subjects/{subject}/records/{category}/{record}")]
pub(crate) async fn get_record(
    api: web::Data<Api>,
    granted: Granted<scopes::RecordsRead>,
    path: web::Path<RecordPath>,
    query: web::Query<PurposeQuery>,
) -> Answer {
    let key = path.into_inner().into();
    let read = records::get(&api.oubli, &granted.caller, &key, &query.purpose).await?;
    let Read { version, created_at, updated_at, body } = read;
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(version))).json(Record {
        version,
        created_at,
        updated_at,
        body,
    }))
}
