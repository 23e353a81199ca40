//! `GET /v1/apps/{app}/register`

use actix_web::http::header::{CONTENT_DISPOSITION, VARY};
use actix_web::{HttpRequest, HttpResponse, get, web};
use oubli_app::data_map;
use oubli_domain::Code;
use oubli_domain::data_map::register::register;

use super::csv;
use super::wire::Register;
use crate::extract::{Granted, accepts, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get the register of processing activities
///
/// The records of Art. 30(1) for the app as controller, one activity for each purpose of the data
/// map in force, and of Art. 30(2) for what this service does on its behalf; with what the article
/// asks for and the data map does not say. As JSON, or as CSV (RFC 4180, UTF-8, with a header row)
/// when `Accept` names `text/csv`; a cell that a spreadsheet could take for a formula begins with an
/// apostrophe. Problems: `data-map-not-found` before the first one was put.
#[utoipa::path(
    tag = "Data map",
    params(("app" = String, Path, description = "The app")),
    responses((status = 200, description = "The register", content(
        (Register = "application/json"),
        (String = "text/csv", example = "record_of,controller (a),…"),
    ))),
    security(("oauth2" = ["data-map:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/register")]
pub(crate) async fn get_register(
    api: web::Data<Api>,
    request: HttpRequest,
    granted: Granted<scopes::DataMapRead>,
) -> Answer {
    let (version, map) = data_map::in_force(&api.oubli, &granted.caller).await?;
    let register = register(&map);
    let mut answer = HttpResponse::Ok();
    answer.insert_header((VARY, "accept"));
    if !accepts(&request, "text/csv") {
        return Ok(answer.json(Register::new(version, register)));
    }
    let rows = csv::write(&register).map_err(|_| Code::Internal)?;
    Ok(answer
        .content_type("text/csv; charset=utf-8; header=present")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"register.csv\""))
        .body(rows))
}
