//! `GET /v1/staff/users/{user}`

use actix_web::{HttpResponse, get, web};
use oubli_app::staff;
use oubli_domain::UserId;

use crate::extract::{GrantedStaff, scopes};
use crate::problem::Answer;
use crate::staff::wire::StaffUser;
use crate::state::Api;

/// Get an account
///
/// Of a user whose apps the caller sees too. Problems: `user-not-found`.
#[utoipa::path(
    tag = "Staff",
    params(("user" = String, Path, description = "The user's id")),
    responses((status = 200, description = "The account", body = StaffUser)),
    security(("staff" = ["staff:read"])),
)]
#[get("/v1/staff/users/{user}")]
pub(crate) async fn get_user(
    api: web::Data<Api>,
    granted: GrantedStaff<scopes::StaffRead>,
    user: web::Path<UserId>,
) -> Answer {
    let user = staff::find_user(&api.oubli, &granted.staff, *user).await?;
    Ok(HttpResponse::Ok().json(StaffUser::from(user)))
}
