//! `GET /v1/apps/{app}/subjects/{subject}`

use actix_web::{HttpResponse, get, web};
use oubli_app::subjects;
use oubli_domain::SubjectId;

use super::wire::Subject;
use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get a subject
///
/// Its state and its identifiers, without values. Problems: `subject-not-found`,
/// `subject-erasing`.
#[utoipa::path(
    tag = "Subjects",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id")),
    responses((status = 200, description = "The subject", body = Subject)),
    security(("oauth2" = ["subjects:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/subjects/{subject}")]
pub(crate) async fn get_subject(
    api: web::Data<Api>,
    granted: Granted<scopes::SubjectsRead>,
    path: web::Path<(String, SubjectId)>,
) -> Answer {
    let found = subjects::get(&api.oubli, &granted.caller, path.1).await?;
    Ok(HttpResponse::Ok().json(Subject::from(found)))
}
