//! `GET /v1/apps/{app}/deletion`

use actix_web::{HttpResponse, get, web};
use oubli_app::leaving;

use super::wire::Deletion;
use crate::extract::{GrantedLeaving, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get the deletion of an app
///
/// Who proposed and approved it, how far it is and what it destroyed; also once it has come to its
/// end. Problems: `deletion-not-found`.
#[utoipa::path(
    tag = "Apps",
    params(("app" = String, Path, description = "The app")),
    responses((status = 200, description = "The deletion", body = Deletion)),
    security(("staff" = ["app:read"])),
)]
#[get("/v1/apps/{app}/deletion")]
pub(crate) async fn get_deletion(
    api: web::Data<Api>,
    granted: GrantedLeaving<scopes::AppRead>,
) -> Answer {
    let deletion = leaving::get(&api.oubli, &granted.caller).await?;
    Ok(HttpResponse::Ok().json(Deletion::from(deletion)))
}
