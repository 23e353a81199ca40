//! `GET /v1/staff/events`

use actix_web::{HttpResponse, get, web};
use oubli_app::staff;
use oubli_domain::{EventId, Time, UserId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{GrantedStaff, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// What was done to a staff account, or to an app as a whole.
#[derive(Serialize, ToSchema)]
struct StaffEvent {
    /// Its id.
    #[schema(value_type = String, example = "evt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    event: EventId,
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00Z")]
    at: Time,
    /// What was done.
    #[serde(rename = "type")]
    #[schema(example = "user.disable")]
    kind: String,
    /// Who did it: `staff:` and an id, or `system` for the command line.
    #[schema(example = "staff:usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    actor: String,
    /// To whose account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    user: Option<UserId>,
    /// Particulars: the role and apps that were given, the session that was ended, the app.
    #[schema(value_type = Object, example = json!({ "role": "dpo", "apps": "shop" }))]
    detail: Value,
}

impl From<staff::StaffEvent> for StaffEvent {
    fn from(stored: staff::StaffEvent) -> Self {
        let staff::StaffEvent { event, at, kind, actor, user, detail } = stored;
        Self { event, at, kind, actor, user, detail: Value::Object(detail) }
    }
}

/// List staff events
///
/// What was done to staff accounts and to apps as a whole, by ids, oldest first: for those who see every
/// app. Problems: `insufficient-scope` for others.
#[utoipa::path(
    tag = "Staff",
    params(PageQuery),
    responses((status = 200, description = "A page", body = Page<StaffEvent>)),
    security(("staff" = ["staff:read"])),
)]
#[get("/v1/staff/events")]
pub(crate) async fn list_staff_events(
    api: web::Data<Api>,
    granted: GrantedStaff<scopes::StaffRead>,
    query: web::Query<PageQuery>,
) -> Answer {
    let (after, limit) = (query.after()?, query.limit()?);
    let events = staff::list_events(&api.oubli, &granted.staff, after, limit).await?;
    let items = events.into_iter().map(StaffEvent::from).collect();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, |item: &StaffEvent| item.event.to_string())))
}
