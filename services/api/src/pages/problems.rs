//! `GET /problems` and `GET /problems/{slug}`: what the `type` of an error leads to.

use std::fmt::Write as _;

use actix_web::http::header::{Accept, CACHE_CONTROL, Header as _, VARY};
use actix_web::{HttpRequest, HttpResponse, route, web};
use oubli_domain::Code;
use serde::Serialize;
use utoipa::ToSchema;

use super::CACHED;
use super::html::{escaped, page, prose};
use crate::openapi::{self, Answering};
use crate::problem::Answer;

/// A kind of problem.
#[derive(Serialize, ToSchema)]
struct ProblemType {
    /// The `type` of its documents.
    #[serde(rename = "type")]
    #[schema(example = "/problems/version-mismatch")]
    kind: String,
    /// What a person reads first.
    #[schema(value_type = String, example = "The record has another version")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 412)]
    status: u16,
    /// When it is met.
    #[schema(example = "`If-Match` names another version than the current one.")]
    meaning: String,
    /// What to do about it.
    #[schema(value_type = String, example = "Read again and decide again.")]
    remedy: &'static str,
    /// The `operationId` of each operation that may answer it.
    #[schema(value_type = Vec<String>, example = json!(["put_record"]))]
    operations: Vec<&'static str>,
}

/// All kinds of problems.
#[derive(Serialize, ToSchema)]
struct ProblemTypes {
    /// The kinds, in the order of the service's own table.
    items: Vec<ProblemType>,
}

impl From<Code> for ProblemType {
    fn from(code: Code) -> Self {
        Self {
            kind: format!("/problems/{}", code.slug()),
            title: code.title(),
            status: code.status(),
            meaning: code.meaning(),
            remedy: code.remedy(),
            operations: openapi::answering(code).iter().map(|told| told.id).collect(),
        }
    }
}

/// List the kinds of problems
///
/// Everything that may go wrong, for people as HTML and for programs as JSON, by `Accept`.
#[utoipa::path(get, path = "/problems", tag = "Service", responses(
    (status = 200, description = "The kinds", content(
        (ProblemTypes = "application/json"), (String = "text/html", example = "<!doctype html>…"),
    )),
))]
#[route("/problems", method = "GET", method = "HEAD")]
pub(crate) async fn list(request: HttpRequest) -> HttpResponse {
    if wants_json(&request) {
        let items = Code::ALL.iter().copied().map(ProblemType::from).collect();
        return json(&ProblemTypes { items });
    }
    let mut rows = String::new();
    for code in Code::ALL {
        let (slug, title, status) = (code.slug(), escaped(code.title()), code.status());
        let link = format!("<a href=\"/problems/{slug}\"><code>{slug}</code></a>");
        let _ = write!(rows, "<tr><td>{link}</td><td>{status}</td><td>{title}</td></tr>");
    }
    let head = "<thead><tr><th scope=\"col\">Type</th><th scope=\"col\">Status</th>\
                <th scope=\"col\">Title</th></tr></thead>";
    let caption = "<caption>Every error is an RFC 9457 problem document. Its <code>type</code> is \
                   stable: branch on it.</caption>";
    page("Problems", &format!("<table>{caption}{head}<tbody>{rows}</tbody></table>"))
}

/// Read what a problem means
///
/// What the `type` of an error leads to: when it is met, what to do about it and which operations
/// answer it; HTML or JSON, by `Accept`. Problems: `no-such-path`.
#[utoipa::path(get, path = "/problems/{slug}", tag = "Service",
    params(("slug" = String, Path, description = "The last part of the `type`",
        example = "version-mismatch")),
    responses((status = 200, description = "The kind of problem", content(
        (ProblemType = "application/json"), (String = "text/html", example = "<!doctype html>…"),
    ))),
)]
#[route("/problems/{slug}", method = "GET", method = "HEAD")]
pub(crate) async fn one(request: HttpRequest, slug: web::Path<String>) -> Answer {
    let code = Code::ALL.iter().copied().find(|code| code.slug() == slug.as_str());
    let code = code.ok_or(Code::NoSuchPath)?;
    Ok(if wants_json(&request) { json(&ProblemType::from(code)) } else { told(code) })
}

fn told(code: Code) -> HttpResponse {
    let (slug, status) = (code.slug(), code.status());
    let (meaning, remedy) = (prose(&code.meaning()), prose(code.remedy()));
    let answering: String = openapi::answering(code).iter().map(item).collect();
    let operations = if answering.is_empty() {
        "<p>None by its own rules: it is answered before an operation is chosen.</p>".to_owned()
    } else {
        format!("<ul>{answering}</ul>")
    };
    page(
        code.title(),
        &format!(
            "<dl><dt>Type</dt><dd><code>/problems/{slug}</code></dd><dt>Status</dt>\
             <dd><span class=\"status\">{status}</span></dd></dl>\
             <h2>What it means</h2><p>{meaning}</p><h2>What to do</h2><p>{remedy}</p>\
             <h2>Operations that answer it</h2>{operations}",
        ),
    )
}

fn item(told: &Answering) -> String {
    let (method, path, summary) = (&told.method, escaped(told.path), escaped(told.summary));
    let link = format!("/docs/#/{}/{}", escaped(&told.tag.replace(' ', "%20")), told.id);
    format!("<li><a href=\"{link}\">{summary}</a>: <code>{method} {path}</code></li>")
}

/// Whether JSON is asked for before HTML. Browsers name HTML; whoever takes anything gets the page.
fn wants_json(request: &HttpRequest) -> bool {
    let Ok(accept) = Accept::parse(request) else { return false };
    let ranked = accept.ranked();
    let known = ranked
        .iter()
        .find(|kind| ["text/html", "application/json", "*/*"].contains(&kind.essence_str()));
    known.is_some_and(|kind| kind.essence_str() == "application/json")
}

fn json(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, CACHED))
        .insert_header((VARY, "Accept"))
        .json(body)
}
