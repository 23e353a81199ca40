//! `POST /v1/apps/{app}/deletion:approve`

use actix_web::{HttpResponse, post, web};
use oubli_app::leaving;

use super::wire::Deletion;
use crate::extract::{LeavingWrite, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Approve the deletion of an app
///
/// By another admin than the one who proposed it. From the answer on the app's clients are told
/// `app-not-found` and staff `app-deleting`; a job destroys every row and key of the app and leaves a
/// certificate. Nothing stops it any more. Problems: `second-person-needed`, `deletion-not-found`,
/// `deletion-expired`, `app-deleting`, `held` while a legal hold stands in the app.
#[utoipa::path(
    tag = "Apps",
    params(("app" = String, Path, description = "The app")),
    responses((status = 202, description = "Approved", body = Deletion)),
    security(("staff" = ["apps:manage"])),
)]
#[post("/v1/apps/{app}/deletion:approve")]
pub(crate) async fn approve_deletion(
    api: web::Data<Api>,
    write: LeavingWrite<scopes::AppsManage, ()>,
) -> Answer {
    let approved = leaving::approve(&api.oubli, &write.staff, &write.call).await?;
    Ok(HttpResponse::Accepted().json(Deletion::from(approved)))
}
