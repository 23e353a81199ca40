//! `GET /v1/apps`

use actix_web::{HttpResponse, get, web};
use oubli_app::apps;

use super::wire::App;
use crate::extract::{GrantedStaff, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// List apps
///
/// Those that the staff user may see, by name, deleted ones too.
#[utoipa::path(
    tag = "Apps",
    params(PageQuery),
    responses((status = 200, description = "A page", body = Page<App>)),
    security(("staff" = ["app:read"])),
)]
#[get("/v1/apps")]
pub(crate) async fn list_apps(
    api: web::Data<Api>,
    granted: GrantedStaff<scopes::AppRead>,
    query: web::Query<PageQuery>,
) -> Answer {
    let (after, limit) = (query.after()?, query.limit()?);
    let apps = apps::list(&api.oubli, &granted.staff.apps, after.as_ref(), limit).await?;
    let items = apps.into_iter().map(App::from).collect();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, |item: &App| item.app.to_string())))
}
