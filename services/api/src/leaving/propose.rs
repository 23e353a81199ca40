//! `POST /v1/apps/{app}/deletion`

use actix_web::{HttpResponse, post, web};
use oubli_app::leaving;

use super::wire::{Deletion, DeletionProposal};
use crate::extract::{LeavingWrite, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Propose to delete an app
///
/// Nothing is destroyed until another admin approves it, within 7 days. The answer counts what would
/// go. Problems: `invalid-body` when `confirm` is not the app's name, `deletion-open`,
/// `app-deleting`, `held` while a legal hold stands in the app.
#[utoipa::path(
    tag = "Apps",
    params(("app" = String, Path, description = "The app")),
    request_body = DeletionProposal,
    responses((status = 201, description = "Proposed", body = Deletion)),
    security(("staff" = ["apps:manage"])),
)]
#[post("/v1/apps/{app}/deletion")]
pub(crate) async fn propose_deletion(
    api: web::Data<Api>,
    write: LeavingWrite<scopes::AppsManage, DeletionProposal>,
) -> Answer {
    let confirm = &write.body.confirm;
    let made = leaving::propose(&api.oubli, &write.staff, &write.call, confirm).await?;
    Ok(HttpResponse::Created().json(Deletion::from(made)))
}
