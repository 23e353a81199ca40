//! `PUT /v1/staff/users/{user}`

use actix_web::{HttpResponse, put, web};
use oubli_app::staff;
use oubli_domain::scope::Role;
use oubli_domain::{Refusal, UserId};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{GrantedStaff, Input, Open, read_json, scopes};
use crate::problem::Answer;
use crate::staff::wire::{StaffUser, visible};
use crate::state::Api;

/// What a user is there for from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserChange {
    /// `admin`, `dpo`, `compliance` or `auditor`.
    #[schema(value_type = String, example = "auditor")]
    role: Role,
    /// Names of apps, 1 to 100, or `*` alone for all.
    #[schema(example = json!(["shop"]))]
    apps: Vec<String>,
}

impl Input for UserChange {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// Change an account
///
/// Gives another role and other apps, at once on the node that answers and within 5 seconds on
/// others. Problems: `user-not-found`, `last-admin`, `insufficient-scope` for apps that the caller
/// does not see.
#[utoipa::path(
    tag = "Staff",
    params(("user" = String, Path, description = "The user's id")),
    request_body = UserChange,
    responses((status = 200, description = "Changed", body = StaffUser)),
    security(("staff" = ["staff:manage"])),
)]
#[put("/v1/staff/users/{user}")]
pub(crate) async fn change_user(
    api: web::Data<Api>,
    granted: GrantedStaff<scopes::StaffManage>,
    user: web::Path<UserId>,
    body: Open<UserChange>,
) -> Answer {
    let UserChange { role, apps } = body.0;
    let apps = visible(&apps)?;
    let user = staff::change_user(&api.oubli, &granted.staff, *user, role, apps).await?;
    Ok(HttpResponse::Ok().json(StaffUser::from(user)))
}
