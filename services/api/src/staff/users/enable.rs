//! `POST /v1/staff/users/{user}/enable`

use actix_web::{HttpResponse, post, web};
use oubli_app::staff;
use oubli_domain::UserId;

use crate::extract::{GrantedStaff, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Enable an account
///
/// The person can sign in again; a lock ends. Problems: `user-not-found`.
#[utoipa::path(
    tag = "Staff",
    params(("user" = String, Path, description = "The user's id")),
    responses((status = 204, description = "Enabled")),
    security(("staff" = ["staff:manage"])),
)]
#[post("/v1/staff/users/{user}/enable")]
pub(crate) async fn enable_user(
    api: web::Data<Api>,
    granted: GrantedStaff<scopes::StaffManage>,
    user: web::Path<UserId>,
) -> Answer {
    staff::enable(&api.oubli, &granted.staff, *user).await?;
    Ok(HttpResponse::NoContent().finish())
}
