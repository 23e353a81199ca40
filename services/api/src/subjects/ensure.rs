//! `POST /v1/apps/{app}/subjects:ensure`

use actix_web::{HttpResponse, post, web};
use oubli_app::subjects;

use super::wire::{CreatedSubject, NewSubject};
use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Create a subject unless it is there
///
/// Gives the subject that has one of the identifiers, with the missing ones added, or a new one.
/// Problems: `invalid-identifier`, `identifiers-disagree` when they belong to different subjects.
#[utoipa::path(
    tag = "Subjects",
    params(("app" = String, Path, description = "The app")),
    request_body = NewSubject,
    responses(
        (status = 200, description = "It was there", body = CreatedSubject),
        (status = 201, description = "Created", body = CreatedSubject),
    ),
    security(("oauth2" = ["subjects:write"])),
)]
#[post("/v1/apps/{app}/subjects:ensure")]
pub(crate) async fn ensure_subject(
    api: web::Data<Api>,
    write: Write<scopes::SubjectsWrite, NewSubject>,
) -> Answer {
    let found = subjects::ensure(&api.oubli, &write.call, write.body.identifiers()).await?;
    let mut answer = if found.created { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer.json(CreatedSubject::from(found)))
}
