//! `POST /v1/apps`

use actix_web::{HttpResponse, post, web};
use oubli_app::{Call, apps};
use oubli_domain::{AppId, Refusal, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, StaffWrite, read_json, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// An app to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewApp {
    /// Its name in every path, for good: a lower-case letter, then up to 62 lower-case letters,
    /// digits or `-`.
    #[schema(value_type = String, pattern = "^[a-z][a-z0-9-]{0,62}$", example = "shop")]
    app: AppId,
    /// What people call it.
    #[schema(min_length = 1, max_length = 120, example = "Web shop")]
    title: String,
}

impl Input for NewApp {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// An app that was created.
#[derive(Serialize, ToSchema)]
struct CreatedApp {
    /// Its name in every path.
    #[schema(value_type = String, example = "shop")]
    app: AppId,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

/// Create an app
///
/// With keys of its own and default settings. Problems: `app-exists`, also for the name of an app that
/// was deleted.
#[utoipa::path(
    tag = "Apps",
    request_body = NewApp,
    responses((status = 201, description = "Created", body = CreatedApp)),
    security(("staff" = ["apps:manage"])),
)]
#[post("/v1/apps")]
pub(crate) async fn create_app(
    api: web::Data<Api>,
    write: StaffWrite<scopes::AppsManage, NewApp>,
) -> Answer {
    let caller = write.staff.caller_to_create(&write.body.app)?;
    let call = Call { caller, once: write.once };
    let created = apps::create(&api.oubli, &call, &write.body.title).await?;
    Ok(HttpResponse::Created()
        .json(CreatedApp { app: created.app, created_at: created.created_at }))
}
