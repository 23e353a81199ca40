//! `GET /v1/staff/sessions`

use actix_web::{HttpResponse, get, web};
use oubli_app::staff;

use super::wire::OpenSessions;
use crate::extract::AnyStaff;
use crate::problem::Answer;
use crate::state::Api;

/// List one's sessions
///
/// Those of the caller that are open, oldest first.
#[utoipa::path(
    tag = "Staff",
    responses((status = 200, description = "The sessions", body = OpenSessions)),
    security(("staff" = [])),
)]
#[get("/v1/staff/sessions")]
pub(crate) async fn list_sessions(api: web::Data<Api>, staff: AnyStaff) -> Answer {
    let sessions = staff::own_sessions(&api.oubli, &staff.0).await?;
    Ok(HttpResponse::Ok().json(OpenSessions::of(sessions, staff.0.session)))
}
