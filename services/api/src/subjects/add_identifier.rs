//! `POST /v1/apps/{app}/subjects/{subject}/identifiers`

use actix_web::{HttpResponse, post, web};
use oubli_app::subjects;
use oubli_domain::SubjectId;

use super::wire::{Identifier, IdentifierInput};
use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Add an identifier
///
/// One identifier never belongs to two subjects of an app. Problems: `invalid-identifier`,
/// `identifier-taken`, `subject-not-found`, `subject-erasing`.
#[utoipa::path(
    tag = "Subjects",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id")),
    request_body = IdentifierInput,
    responses((status = 201, description = "Added", body = Identifier)),
    security(("oauth2" = ["subjects:write"])),
)]
#[post("/v1/apps/{app}/subjects/{subject}/identifiers")]
pub(crate) async fn add_identifier(
    api: web::Data<Api>,
    write: Write<scopes::SubjectsWrite, IdentifierInput>,
    path: web::Path<(String, SubjectId)>,
) -> Answer {
    let added = subjects::add(&api.oubli, &write.call, path.1, write.body.into()).await?;
    Ok(HttpResponse::Created().json(Identifier {
        identifier: added.identifier,
        kind: added.kind,
        created_at: added.created_at,
    }))
}
