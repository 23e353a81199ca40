//! `GET /v1/staff/users/{user}/sessions`

use actix_web::{HttpResponse, get, web};
use oubli_app::staff;
use oubli_domain::UserId;

use crate::extract::{GrantedStaff, scopes};
use crate::problem::Answer;
use crate::staff::wire::OpenSessions;
use crate::state::Api;

/// List a user's sessions
///
/// Those that are open, oldest first. Problems: `user-not-found`.
#[utoipa::path(
    tag = "Staff",
    params(("user" = String, Path, description = "The user's id")),
    responses((status = 200, description = "The sessions", body = OpenSessions)),
    security(("staff" = ["staff:manage"])),
)]
#[get("/v1/staff/users/{user}/sessions")]
pub(crate) async fn list_user_sessions(
    api: web::Data<Api>,
    granted: GrantedStaff<scopes::StaffManage>,
    user: web::Path<UserId>,
) -> Answer {
    let sessions = staff::sessions_of(&api.oubli, &granted.staff, *user).await?;
    Ok(HttpResponse::Ok().json(OpenSessions::of(sessions, granted.staff.session)))
}
