//! `POST /v1/apps/{app}/holds`

use actix_web::{HttpResponse, post, web};
use oubli_app::holds::{self, SetHold};
use oubli_domain::{HoldId, SubjectId, Time};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::HoldInput;
use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// A hold that was set.
#[derive(Serialize, ToSchema)]
struct CreatedHold {
    /// Its id.
    #[schema(value_type = String, example = "hld_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    hold: HoldId,
    /// Whose data it holds.
    #[schema(value_type = String, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: SubjectId,
    /// When it was set.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    created_at: Time,
}

/// Set a legal hold
///
/// On a person, a category of their records, or a field of it. From the answer on, a call by which a
/// held value would change or go answers `held`: deleting or changing a record, and removing an
/// identifier where the hold covers the whole person. New records and fields are taken. An erasure
/// keeps what is held, under a key of its own, and takes the rest. Staff only. Problems:
/// `unknown-category`, `invalid-identifier`, `subject-not-found`, `subject-erasing`.
#[utoipa::path(
    tag = "Holds",
    params(("app" = String, Path, description = "The app")),
    request_body = HoldInput,
    responses((status = 201, description = "Set", body = CreatedHold)),
    security(("staff" = ["holds:write"])),
)]
#[post("/v1/apps/{app}/holds")]
pub(crate) async fn create_hold(
    api: web::Data<Api>,
    write: Write<scopes::HoldsWrite, HoldInput>,
) -> Answer {
    let SetHold { hold, subject, created_at } =
        holds::set(&api.oubli, &write.call, write.body.hold()?).await?;
    Ok(HttpResponse::Created().json(CreatedHold { hold, subject, created_at }))
}
