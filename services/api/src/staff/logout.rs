//! `POST /v1/staff/logout`

use actix_web::{HttpResponse, post, web};
use oubli_app::staff;

use crate::extract::AnySession;
use crate::problem::Answer;
use crate::state::Api;

/// Sign out
///
/// Ends the session of the token, at once on the node that answers and within 5 seconds on others.
#[utoipa::path(
    tag = "Staff",
    responses((status = 204, description = "Signed out")),
    security(("staff" = [])),
)]
#[post("/v1/staff/logout")]
pub(crate) async fn logout(api: web::Data<Api>, staff: AnySession) -> Answer {
    staff::logout(&api.oubli, &staff.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
