//! `GET /v1/apps/{app}/subjects`

use actix_web::{HttpResponse, get, web};
use oubli_app::subjects;
use oubli_domain::{SubjectId, Time};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// A subject in a list.
#[derive(Serialize, ToSchema)]
struct SubjectItem {
    /// Its id.
    #[schema(value_type = String, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: SubjectId,
    /// `active`, `restricted`, or `erasing` until it is gone.
    #[schema(example = "active")]
    state: &'static str,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

/// List subjects
///
/// Oldest first, a page at a time.
#[utoipa::path(
    tag = "Subjects",
    params(("app" = String, Path, description = "The app"), PageQuery),
    responses((status = 200, description = "A page", body = Page<SubjectItem>)),
    security(("oauth2" = ["subjects:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/subjects")]
pub(crate) async fn list_subjects(
    api: web::Data<Api>,
    granted: Granted<scopes::SubjectsRead>,
    query: web::Query<PageQuery>,
) -> Answer {
    let (after, limit) = (query.after()?, query.limit()?);
    let subjects = subjects::list(&api.oubli, &granted.caller, after, limit).await?;
    let items = subjects
        .into_iter()
        .map(|s| SubjectItem {
            subject: s.subject,
            state: s.state.as_str(),
            created_at: s.created_at,
        })
        .collect();
    Ok(HttpResponse::Ok()
        .json(Page::of(items, limit, |item: &SubjectItem| item.subject.to_string())))
}
