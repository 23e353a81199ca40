//! `POST /v1/apps/{app}/requests/{request}/download`

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, post, web};
use oubli_app::export;
use oubli_domain::{ExportId, RequestId, Time};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// A token for one download.
#[derive(Serialize, ToSchema)]
struct IssuedDownload<'a> {
    /// The bundle: `GET /v1/apps/{app}/exports/{export}`.
    #[schema(value_type = String, example = "exp_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    export: ExportId,
    /// The token, shown this once: send it as `Oubli-Download-Token`.
    #[schema(example = "4Y3q8mXcT0w9sJ5bVn2LrA7uKd6EhGfP1ZxWiCoQtRk")]
    token: &'a str,
    /// When the bundle can no longer be downloaded.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
}

/// Issue a download token
///
/// A new token voids the one before. It is used up by the first complete download, and has five
/// tries. Problems: `request-not-found`, `export-not-ready`, `download-not-found`,
/// `illegal-transition` for an erasure, `secret-already-shown`.
#[utoipa::path(
    tag = "Requests",
    params(("app" = String, Path, description = "The app"),
        ("request" = String, Path, description = "The request's id")),
    responses((status = 200, description = "The token", body = IssuedDownload)),
    security(("oauth2" = ["requests:write"]), ("staff" = [])),
)]
#[post("/v1/apps/{app}/requests/{request}/download")]
pub(crate) async fn issue_download(
    api: web::Data<Api>,
    write: Write<scopes::RequestsWrite, ()>,
    path: web::Path<(String, RequestId)>,
) -> Answer {
    let issued = export::issue_download(&api.oubli, &write.call, path.1).await?;
    let token = issued.token.expose();
    let answer = IssuedDownload { export: issued.export, token, expires_at: issued.expires_at };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}
