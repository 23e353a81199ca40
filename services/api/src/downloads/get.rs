//! `GET /v1/apps/{app}/exports/{export}`

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::TryStreamExt as _;
use oubli_app::export;
use oubli_domain::{AppId, ExportId};

use crate::problem::Answer;
use crate::state::Api;

/// The header that brings the token: not the path or query, which end up in logs.
const TOKEN: &str = "oubli-download-token";

/// Download an export
///
/// A ZIP whose last part, `manifest.json`, lists the others with their SHA-256. The token is used
/// up when the whole of it was sent. Problems: `download-not-found` when the token is missing,
/// wrong, used up or expired.
#[utoipa::path(
    tag = "Requests",
    params(("app" = String, Path, description = "The app"),
        ("export" = String, Path, description = "The export's id"),
        ("Oubli-Download-Token" = String, Header, description = "The token")),
    responses(
        (status = 200, description = "The bundle", body = Vec<u8>,
            content_type = "application/zip"),
        (status = 404, description = "There is no such download, or it is used up or expired",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
)]
#[get("/v1/apps/{app}/exports/{export}")]
pub(crate) async fn download_export(
    api: web::Data<Api>,
    request: HttpRequest,
    path: web::Path<(AppId, ExportId)>,
) -> Answer {
    let (app, id) = path.into_inner();
    let token = request.headers().get(TOKEN).and_then(|value| value.to_str().ok());
    // An empty token is wrong like any other.
    let download = export::open_download(&api.oubli, &app, id, token.unwrap_or_default()).await?;
    let chunks = download.into_stream().map_ok(|chunk| web::Bytes::copy_from_slice(&chunk));
    // Without a length: the end of the body is sent only once the token is used up.
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"export.zip\""))
        .streaming(chunks))
}
