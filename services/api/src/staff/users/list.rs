//! `GET /v1/staff/users`

use std::str::FromStr;

use actix_web::{HttpResponse, get, web};
use oubli_app::staff::{self, is_name};

use crate::extract::{GrantedStaff, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::staff::wire::StaffUser;
use crate::state::Api;

/// The name of the last user of the page before.
struct After(String);

impl FromStr for After {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        if is_name(text) { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

/// List accounts
///
/// Those of the users whose apps the caller sees too, by name.
#[utoipa::path(
    tag = "Staff",
    params(PageQuery),
    responses((status = 200, description = "A page", body = Page<StaffUser>)),
    security(("staff" = ["staff:read"])),
)]
#[get("/v1/staff/users")]
pub(crate) async fn list_users(
    api: web::Data<Api>,
    granted: GrantedStaff<scopes::StaffRead>,
    query: web::Query<PageQuery>,
) -> Answer {
    let (after, limit) = (query.after::<After>()?.map(|After(name)| name), query.limit()?);
    let users = staff::visible_users(&api.oubli, &granted.staff, after.as_deref(), limit).await?;
    let items = users.into_iter().map(StaffUser::from).collect();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, |item: &StaffUser| item.name.clone())))
}
