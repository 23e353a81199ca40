//! `DELETE /v1/apps/{app}/deletion`

use actix_web::{HttpResponse, delete, web};
use oubli_app::leaving;

use crate::extract::{LeavingWrite, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Cancel the deletion of an app
///
/// By any admin who sees the app, until it is approved. Problems: `deletion-not-found`,
/// `app-deleting`.
#[utoipa::path(
    tag = "Apps",
    params(("app" = String, Path, description = "The app")),
    responses((status = 204, description = "Cancelled")),
    security(("staff" = ["apps:manage"])),
)]
#[delete("/v1/apps/{app}/deletion")]
pub(crate) async fn cancel_deletion(
    api: web::Data<Api>,
    write: LeavingWrite<scopes::AppsManage, ()>,
) -> Answer {
    leaving::cancel(&api.oubli, &write.call).await?;
    Ok(HttpResponse::NoContent().finish())
}
