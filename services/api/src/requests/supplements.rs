//! `GET /v1/apps/{app}/requests/{request}/supplements`

use actix_web::{HttpResponse, get, web};
use oubli_app::kept_items::{self, Issued};
use oubli_domain::{CertificateId, RequestId, Time};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// A supplement to a certificate.
#[derive(Serialize, ToSchema)]
#[schema(as = Supplement)]
struct SupplementItem {
    /// Its id.
    #[schema(value_type = String, example = "crt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    supplement: CertificateId,
    /// When it was issued.
    #[schema(value_type = String, format = DateTime, example = "2026-03-15T12:00:00.000000Z")]
    created_at: Time,
    /// The supplement itself: a JWS in compact form (RFC 7515).
    #[schema(example = "eyJhbGciOiJFZERTQSJ9.eyJyZXF1ZXN0IjoicmVxXzAxIn0.c2lnbmF0dXJl")]
    jws: String,
}

impl From<Issued> for SupplementItem {
    fn from(issued: Issued) -> Self {
        let Issued { supplement, created_at, jws } = issued;
        Self { supplement, created_at, jws }
    }
}

/// List supplements to a certificate
///
/// One each time that something went which the erasure had kept: what, when and why, signed like the
/// certificate, which anyone checks offline in the same way. Oldest first, a page at a time. Problems:
/// `request-not-found`.
#[utoipa::path(
    tag = "Requests",
    params(("app" = String, Path, description = "The app"),
        ("request" = String, Path, description = "The request's id"), PageQuery),
    responses((status = 200, description = "A page", body = Page<SupplementItem>)),
    security(("oauth2" = ["requests:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/requests/{request}/supplements")]
pub(crate) async fn list_supplements(
    api: web::Data<Api>,
    granted: Granted<scopes::RequestsRead>,
    path: web::Path<(String, RequestId)>,
    query: web::Query<PageQuery>,
) -> Answer {
    let (after, limit) = (query.after()?, query.limit()?);
    let found = kept_items::supplements(&api.oubli, &granted.caller, path.1, after, limit).await?;
    let items = found.into_iter().map(SupplementItem::from).collect();
    let key = |item: &SupplementItem| item.supplement.to_string();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, key)))
}
