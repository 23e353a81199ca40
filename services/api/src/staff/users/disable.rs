//! `POST /v1/staff/users/{user}/disable`

use actix_web::{HttpResponse, post, web};
use oubli_app::staff;
use oubli_domain::UserId;

use crate::extract::{GrantedStaff, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Disable an account
///
/// The person can sign in no more, and all their sessions end. Problems: `user-not-found`,
/// `last-admin`.
#[utoipa::path(
    tag = "Staff",
    params(("user" = String, Path, description = "The user's id")),
    responses((status = 204, description = "Disabled")),
    security(("staff" = ["staff:manage"])),
)]
#[post("/v1/staff/users/{user}/disable")]
pub(crate) async fn disable_user(
    api: web::Data<Api>,
    granted: GrantedStaff<scopes::StaffManage>,
    user: web::Path<UserId>,
) -> Answer {
    staff::disable(&api.oubli, &granted.staff, *user).await?;
    Ok(HttpResponse::NoContent().finish())
}
