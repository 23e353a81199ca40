//! `GET /v1/apps/{app}/events/export`

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, VARY};
use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::{StreamExt as _, stream};
use oubli_app::Result;
use oubli_app::events::{self, FoundEvent};
use oubli_domain::{Code, SubjectId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::csv;
use super::filter::{Filter, Include};
use super::wire::Event;
use crate::extract::{Granted, accepts, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// Those about one subject. Nobody can tell which events are about an erased person.
    #[param(value_type = Option<String>, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: Option<SubjectId>,
    /// Those of one actor: `client:` or `staff:` and an id, or `system`.
    #[param(example = "client:shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    actor: Option<String>,
    /// Those of one type.
    #[serde(rename = "type")]
    #[param(example = "record.read")]
    kind: Option<String>,
    /// Those from this time on (RFC 3339).
    #[param(format = DateTime, example = "2026-01-01T00:00:00Z")]
    from: Option<String>,
    /// Those before this time (RFC 3339).
    #[param(format = DateTime, example = "2026-02-01T00:00:00Z")]
    to: Option<String>,
    /// `payload`: with what goes with the person, while the person is there.
    #[param(value_type = Option<String>, example = "payload")]
    include: Option<Include>,
}

impl From<ExportQuery> for Filter {
    fn from(query: ExportQuery) -> Self {
        let ExportQuery { subject, actor, kind, from, to, include } = query;
        Self { subject, actor, kind, from, to, include }
    }
}

/// Export the log
///
/// Every event that the parameters leave, oldest first, up to the newest that there was when the
/// export began: as NDJSON, one event of the list to a line, or as CSV (RFC 4180, UTF-8, with a header
/// row) when `Accept` names `text/csv`. It is sent as it is read; when it cannot be read to its end,
/// the connection ends without the last chunk. The export is itself in the log. Problems:
/// `invalid-query` when `from` is not before `to`, or for an actor or a type that cannot be,
/// `invalid-time`, `client-not-found` for a client of another app, `subject-not-found`,
/// `subject-erasing`.
#[utoipa::path(
    tag = "Log",
    params(("app" = String, Path, description = "The app"), ExportQuery),
    responses(
        (status = 200, description = "The events", content(
            (String = "application/x-ndjson", example = "{\"event\":\"evt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19\",\"leaf\":{…}}\n"),
            (String = "text/csv", example = "event,at,type,actor,subject_ref,reasons,leaf,payload\r\n…"),
        )),
        (status = 409, description = "The person is being erased",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["audit:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/events/export")]
pub(crate) async fn export_events(
    api: web::Data<Api>,
    request: HttpRequest,
    granted: Granted<scopes::AuditRead>,
    query: web::Query<ExportQuery>,
) -> Answer {
    let query = Filter::from(query.into_inner()).read()?;
    let pages = events::export(&api.oubli, &granted.caller, &query).await?;
    let (head, write, media, name): (_, Write, _, _) = if accepts(&request, "text/csv") {
        let media = "text/csv; charset=utf-8; header=present";
        (csv::header()?, csv::rows, media, "events.csv")
    } else {
        (Vec::new(), lines, "application/x-ndjson", "events.ndjson")
    };
    let head = stream::iter((!head.is_empty()).then_some(Ok(web::Bytes::from(head))));
    let rows = pages.map(move |page| write(page?).map(web::Bytes::from));
    Ok(HttpResponse::Ok()
        .content_type(media)
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "accept"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(head.chain(rows)))
}

/// Writes a page of events.
type Write = fn(Vec<FoundEvent>) -> Result<Vec<u8>>;

fn lines(page: Vec<FoundEvent>) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for event in page {
        serde_json::to_writer(&mut lines, &Event::from(event)).map_err(|_| Code::Internal)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
