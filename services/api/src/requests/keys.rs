//! `GET /.well-known/oubli-keys`

use actix_web::{HttpResponse, get, web};
use oubli_app::certificate;

use crate::problem::Answer;
use crate::state::Api;

/// The public keys that certificates are checked with
///
/// An RFC 7517 key set with every app's keys, old ones too; each key names its app.
#[utoipa::path(
    tag = "Service",
    responses((status = 200, description = "The keys", body = Value)),
)]
#[get("/.well-known/oubli-keys")]
pub(crate) async fn get_keys(api: web::Data<Api>) -> Answer {
    Ok(HttpResponse::Ok().json(certificate::published_keys(&api.oubli).await?))
}
