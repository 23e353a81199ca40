//! `POST /v1/apps/{app}/requests:preview`

use actix_web::{HttpResponse, post, web};
use oubli_app::requests;

use super::wire::Plan;
use crate::extract::{Ask, scopes};
use crate::problem::Answer;
use crate::state::Api;
use crate::subjects::wire::SubjectInput;

/// Preview an erasure
///
/// What would go and what would stay if the person were erased now; nothing is changed. Problems:
/// `subject-not-found`, `subject-erasing`, `invalid-identifier`.
#[utoipa::path(
    tag = "Requests",
    params(("app" = String, Path, description = "The app")),
    request_body = SubjectInput,
    responses((status = 200, description = "The plan", body = Plan)),
    security(("oauth2" = ["requests:read"]), ("staff" = [])),
)]
#[post("/v1/apps/{app}/requests:preview")]
pub(crate) async fn preview_erasure(
    api: web::Data<Api>,
    query: Ask<scopes::RequestsRead, SubjectInput>,
) -> Answer {
    let selector = query.body.selector()?;
    let plan = requests::preview(&api.oubli, &query.caller, &selector).await?;
    Ok(HttpResponse::Ok().json(Plan::from(plan)))
}
