//! `GET /v1/apps/{app}/holds/{hold}`

use actix_web::{HttpResponse, get, web};
use oubli_app::holds;
use oubli_domain::HoldId;

use super::wire::Hold;
use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get a legal hold
///
/// With its note, as long as the person is there; that a note was read is logged. Staff only.
/// Problems: `hold-not-found`, `subject-erasing` for one with a note.
#[utoipa::path(
    tag = "Holds",
    params(("app" = String, Path, description = "The app"),
        ("hold" = String, Path, description = "The hold's id")),
    responses((status = 200, description = "The hold", body = Hold)),
    security(("staff" = ["holds:read"])),
)]
#[get("/v1/apps/{app}/holds/{hold}")]
pub(crate) async fn get_hold(
    api: web::Data<Api>,
    granted: Granted<scopes::HoldsRead>,
    path: web::Path<(String, HoldId)>,
) -> Answer {
    let (hold, note) = holds::get(&api.oubli, &granted.caller, path.1).await?;
    Ok(HttpResponse::Ok().json(Hold::with_note(hold, note.as_ref())))
}
