//! `POST /v1/apps/{app}/requests`

use actix_web::{HttpResponse, post, web};
use oubli_app::requests;

use super::wire::{AcceptedRequest, RequestInput};
use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Make a request
///
/// Queues the job that serves it. The answer to an erasure is its acknowledgement: from here on the
/// person cannot be found. Problems: `subject-not-found`, `subject-erasing`, `invalid-identifier`,
/// `future-time`, `unknown-category`, `unknown-purpose`, `data-map-not-found`.
#[utoipa::path(
    tag = "Requests",
    params(("app" = String, Path, description = "The app")),
    request_body = RequestInput,
    responses((status = 202, description = "Made", body = AcceptedRequest)),
    security(("oauth2" = ["requests:write"]), ("staff" = [])),
)]
#[post("/v1/apps/{app}/requests")]
pub(crate) async fn create_request(
    api: web::Data<Api>,
    write: Write<scopes::RequestsWrite, RequestInput>,
) -> Answer {
    let made = requests::create(&api.oubli, &write.call, write.body.request()?).await?;
    Ok(HttpResponse::Accepted().json(AcceptedRequest::from(made)))
}
