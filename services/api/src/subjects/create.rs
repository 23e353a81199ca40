//! `POST /v1/apps/{app}/subjects`

use actix_web::{HttpResponse, post, web};
use oubli_app::subjects;

use super::wire::{CreatedSubject, NewSubject};
use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Create a subject
///
/// Gives the person an opaque id and a key of their own. Problems: `invalid-identifier`,
/// `identifier-taken`.
#[utoipa::path(
    tag = "Subjects",
    params(("app" = String, Path, description = "The app")),
    request_body = NewSubject,
    responses(
        (status = 201, description = "Created", body = CreatedSubject),
        (status = 409, description = "An identifier belongs to another subject",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["subjects:write"])),
)]
#[post("/v1/apps/{app}/subjects")]
pub(crate) async fn create_subject(
    api: web::Data<Api>,
    write: Write<scopes::SubjectsWrite, NewSubject>,
) -> Answer {
    let created = subjects::create(&api.oubli, &write.call, write.body.identifiers()).await?;
    Ok(HttpResponse::Created().json(CreatedSubject::from(created)))
}
