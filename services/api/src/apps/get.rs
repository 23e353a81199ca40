//! `GET /v1/apps/{app}`

use actix_web::{HttpResponse, get, web};
use oubli_app::apps;

use super::wire::App;
use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get an app
///
/// Its title, and which version of its data map is in force.
#[utoipa::path(
    tag = "Apps",
    params(("app" = String, Path, description = "The app")),
    responses((status = 200, description = "The app", body = App)),
    security(("oauth2" = ["app:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}")]
pub(crate) async fn get_app(api: web::Data<Api>, granted: Granted<scopes::AppRead>) -> Answer {
    let app = apps::get(&api.oubli, &granted.caller).await?;
    Ok(HttpResponse::Ok().json(App::from(app)))
}
