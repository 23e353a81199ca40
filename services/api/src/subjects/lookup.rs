//! `POST /v1/apps/{app}/subjects:lookup`

use actix_web::{HttpResponse, post, web};
use oubli_app::subjects;

use super::wire::{Subject, SubjectInput};
use crate::extract::{Ask, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Look a subject up
///
/// By POST, since an identifier in a URL would end up in logs. Problems: `invalid-identifier`,
/// `subject-not-found`, `subject-erasing`.
#[utoipa::path(
    tag = "Subjects",
    params(("app" = String, Path, description = "The app")),
    request_body = SubjectInput,
    responses((status = 200, description = "Found", body = Subject)),
    security(("oauth2" = ["subjects:read"]), ("staff" = [])),
)]
#[post("/v1/apps/{app}/subjects:lookup")]
pub(crate) async fn lookup_subject(
    api: web::Data<Api>,
    query: Ask<scopes::SubjectsRead, SubjectInput>,
) -> Answer {
    let selector = query.body.selector()?;
    let found = subjects::lookup(&api.oubli, &query.caller, &selector).await?;
    Ok(HttpResponse::Ok().json(Subject::from(found)))
}
