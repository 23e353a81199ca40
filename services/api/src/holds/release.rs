//! `POST /v1/apps/{app}/holds/{hold}/release`

use actix_web::{HttpResponse, post, web};
use oubli_app::holds::{self, ReleasedHold as Done};
use oubli_domain::hold::ReleaseReason;
use oubli_domain::{HoldId, Refusal, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, Write, read_json, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Why a hold is released.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HoldRelease {
    /// `ended`, `order_lifted` or `set_in_error`.
    #[schema(value_type = String, pattern = "^(ended|order_lifted|set_in_error)$", example = "ended")]
    reason: ReleaseReason,
}

impl Input for HoldRelease {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// A hold that was released.
#[derive(Serialize, ToSchema)]
struct ReleasedHold {
    /// Its id.
    #[schema(value_type = String, example = "hld_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    hold: HoldId,
    /// When it was released.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    released_at: Time,
}

/// Release a legal hold
///
/// For good. What it alone kept of an erased person goes from now on, with a supplement to the
/// certificate; on a live person nothing goes. Staff only. Problems: `hold-not-found`,
/// `hold-released`, `subject-erasing` while the erasure keeps what is held.
#[utoipa::path(
    tag = "Holds",
    params(("app" = String, Path, description = "The app"),
        ("hold" = String, Path, description = "The hold's id")),
    request_body = HoldRelease,
    responses((status = 200, description = "Released", body = ReleasedHold)),
    security(("staff" = ["holds:write"])),
)]
#[post("/v1/apps/{app}/holds/{hold}/release")]
pub(crate) async fn release_hold(
    api: web::Data<Api>,
    write: Write<scopes::HoldsWrite, HoldRelease>,
    path: web::Path<(String, HoldId)>,
) -> Answer {
    let Done { hold, released_at } =
        holds::release(&api.oubli, &write.call, path.1, write.body.reason).await?;
    Ok(HttpResponse::Ok().json(ReleasedHold { hold, released_at }))
}
