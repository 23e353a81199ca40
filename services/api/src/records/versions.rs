//! `GET /v1/apps/{app}/subjects/{subject}/records/{category}/{record}/versions`

use actix_web::{HttpResponse, get, web};
use oubli_app::records;
use oubli_domain::{Name, Time};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::RecordPath;
use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// A version of a record, without values.
#[derive(Serialize, ToSchema)]
struct RecordVersion {
    /// Its number, from 1.
    #[schema(minimum = 1, example = 1)]
    version: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    at: Time,
    /// Which client made it.
    #[schema(example = "client:shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    actor: String,
    /// `created`, `updated` or `deleted`.
    #[schema(example = "created")]
    change: &'static str,
    /// The fields that changed.
    #[schema(value_type = Vec<String>, example = json!(["name"]))]
    changed: Vec<Name>,
}

/// List the versions of a record
///
/// Who changed which fields when, oldest first; only the current values exist. Problems:
/// `record-not-found`, `subject-not-found`, `subject-erasing`.
#[utoipa::path(
    tag = "Records",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id"),
        ("category" = String, Path, description = "A category of the data map"),
        ("record" = String, Path, description = "The record's id"),
        PageQuery),
    responses((status = 200, description = "A page", body = Page<RecordVersion>),
        (status = 409, description = "The person is being erased",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json")),
    security(("oauth2" = ["records:read"])),
)]
#[get("/v1/apps/{app}/subjects/{subject}/records/{category}/{record}/versions")]
pub(crate) async fn list_versions(
    api: web::Data<Api>,
    granted: Granted<scopes::RecordsRead>,
    path: web::Path<RecordPath>,
    query: web::Query<PageQuery>,
) -> Answer {
    let key = path.into_inner().into();
    let (after, limit) = (query.after()?.unwrap_or(0), query.limit()?);
    let versions = records::versions(&api.oubli, &granted.caller, &key, after, limit).await?;
    let items = versions
        .into_iter()
        .map(|v| RecordVersion {
            version: v.version,
            at: v.at,
            actor: v.actor,
            change: v.change.as_str(),
            changed: v.changed,
        })
        .collect();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, |v: &RecordVersion| v.version.to_string())))
}
