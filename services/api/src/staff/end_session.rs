//! `DELETE /v1/staff/sessions/{session}`

use actix_web::{HttpResponse, delete, web};
use oubli_app::staff;
use oubli_domain::SessionId;

use crate::extract::AnyStaff;
use crate::problem::Answer;
use crate::state::Api;

/// End a session
///
/// One's own; an admin ends those of others too. It counts at once on the node that answers and
/// within 5 seconds on others. Problems: `session-not-found`.
#[utoipa::path(
    tag = "Staff",
    params(("session" = String, Path, description = "The session's id")),
    responses((status = 204, description = "Ended")),
    security(("staff" = [])),
)]
#[delete("/v1/staff/sessions/{session}")]
pub(crate) async fn end_session(
    api: web::Data<Api>,
    staff: AnyStaff,
    session: web::Path<SessionId>,
) -> Answer {
    staff::end_session(&api.oubli, &staff.0, *session).await?;
    Ok(HttpResponse::NoContent().finish())
}
