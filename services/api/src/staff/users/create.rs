//! `POST /v1/staff/users`

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, post, web};
use oubli_app::staff::{self, NewAccount};
use oubli_domain::Refusal;
use oubli_domain::scope::Role;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{GrantedStaff, Input, Open, read_json, scopes};
use crate::problem::Answer;
use crate::staff::wire::{TemporaryPassword, visible};
use crate::state::Api;

/// An account to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    /// What the person signs in with: 1 to 64 of a-z, 0-9, `.`, `_` and `-`.
    #[schema(pattern = "^[a-z0-9._-]{1,64}$", example = "grace")]
    name: String,
    /// `admin`, `dpo`, `compliance` or `auditor`.
    #[schema(value_type = String, example = "dpo")]
    role: Role,
    /// Names of apps, 1 to 100, or `*` alone for all.
    #[schema(example = json!(["shop"]))]
    apps: Vec<String>,
}

impl Input for NewUser {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// Create an account
///
/// With a temporary password, shown once and accepted for 24 hours, that must be changed at the
/// first sign-in. Problems: `user-exists`, `too-many-logins`, `insufficient-scope` for apps that the
/// caller does not see.
#[utoipa::path(
    tag = "Staff",
    request_body = NewUser,
    responses((status = 201, description = "Created", body = TemporaryPassword)),
    security(("staff" = ["staff:manage"])),
)]
#[post("/v1/staff/users")]
pub(crate) async fn create_user(
    api: web::Data<Api>,
    granted: GrantedStaff<scopes::StaffManage>,
    body: Open<NewUser>,
) -> Answer {
    let NewUser { name, role, apps } = body.0;
    let new = NewAccount { name, role, apps: visible(&apps)? };
    let made = staff::add_user(&api.oubli, &granted.staff, new).await?;
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(TemporaryPassword::from(made)))
}
