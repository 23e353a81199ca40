//! `POST /v1/staff/users/{user}/reset-password`

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, post, web};
use oubli_app::staff;
use oubli_domain::UserId;

use crate::extract::{GrantedStaff, scopes};
use crate::problem::Answer;
use crate::staff::wire::TemporaryPassword;
use crate::state::Api;

/// Reset a password
///
/// Ends all sessions of another user and gives a temporary password, shown once and accepted for 24
/// hours, that must be changed at the next sign-in. Problems: `user-not-found`,
/// `own-password-reset`, `too-many-logins`.
#[utoipa::path(
    tag = "Staff",
    params(("user" = String, Path, description = "The user's id")),
    responses((status = 200, description = "Reset", body = TemporaryPassword)),
    security(("staff" = ["staff:manage"])),
)]
#[post("/v1/staff/users/{user}/reset-password")]
pub(crate) async fn reset_password(
    api: web::Data<Api>,
    granted: GrantedStaff<scopes::StaffManage>,
    user: web::Path<UserId>,
) -> Answer {
    let made = staff::reset_password(&api.oubli, &granted.staff, *user).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(TemporaryPassword::from(made)))
}
