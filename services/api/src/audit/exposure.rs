//! `GET /v1/apps/{app}/audit/exposure`

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpResponse, get, web};
use oubli_app::Actor;
use oubli_app::exposure::{self, Apart, Exposed, ExposureQuery, Totals};
use oubli_domain::{ClientId, Code, Name, Refusal, SubjectId, Time, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Granted, PageQuery, cursor, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Whose reads, and when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExposureParameters {
    /// Those of one client; of anyone when neither a client nor a member of staff is named.
    #[param(value_type = Option<String>, example = "shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    client: Option<ClientId>,
    /// Those of one member of staff.
    #[param(value_type = Option<String>, example = "usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    staff: Option<UserId>,
    /// Those from this time on (RFC 3339); from the first when absent.
    #[param(format = DateTime, example = "2026-01-01T00:00:00Z")]
    from: Option<String>,
    /// Those before this time (RFC 3339); up to now when absent or in the future.
    #[param(format = DateTime, example = "2026-02-01T00:00:00Z")]
    to: Option<String>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// How many people, 1 to 1,000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

impl ExposureParameters {
    fn read(&self) -> Result<ExposureQuery, Refusal> {
        let time = |text: &Option<String>| text.as_deref().map(Time::parse).transpose();
        let by = match (&self.client, self.staff) {
            (Some(_), Some(_)) => {
                let detail = "Either client or staff is given, not both.";
                return Err(Refusal::new(Code::InvalidQuery).detail(detail));
            }
            (Some(client), None) => Some(Actor::Client(client.clone())),
            (None, staff) => staff.map(Actor::Staff),
        };
        Ok(ExposureQuery { by, from: time(&self.from)?, to: time(&self.to)? })
    }
}

/// Whose data was read in a time, and what of it.
#[derive(Serialize, ToSchema)]
struct Exposure {
    /// The end of the time, which all pages share; what was read from then on is not counted.
    #[schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00.000000Z")]
    until: Time,
    /// What was read in all. On the first page alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<ExposureTotals>,
    /// Whose, in the order of their ids.
    subjects: Vec<ExposedSubject>,
    /// The cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What was read in all.
#[derive(Serialize, ToSchema)]
struct ExposureTotals {
    /// How many people's data was read.
    #[schema(example = 1204)]
    subjects: u64,
    /// How many reads of it there were.
    #[schema(example = 3310)]
    reads: u64,
    /// By category and field, of how many people it was read. The types of identifiers stand under
    /// `identifiers`.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, u64>>,
        example = json!({"profile": {"email": 1204, "name": 80}}))]
    categories: BTreeMap<Name, BTreeMap<Name, u64>>,
    /// Of how many people the consents were read.
    #[schema(example = 12)]
    consents: u64,
    /// Of how many people the download of an export was handed out.
    #[schema(example = 1)]
    exports: u64,
    /// Reads of people who were erased since or are being erased. Not among the others.
    erased: ExposureApart,
    /// Reads older than `read_payload_months` of the app's settings: what was read is no longer
    /// known. Not among the others.
    purged: ExposureApart,
    /// How often everything of everybody was exported on the command line. Nobody above is counted
    /// for it.
    #[schema(example = 0)]
    app_exports: u64,
}

/// Reads of which nobody is named.
#[derive(Serialize, ToSchema)]
struct ExposureApart {
    /// Of how many people.
    #[schema(example = 3)]
    subjects: u64,
    /// How many reads.
    #[schema(example = 5)]
    reads: u64,
}

/// What was read of one person.
#[derive(Serialize, ToSchema)]
struct ExposedSubject {
    /// Who.
    #[schema(value_type = String, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: SubjectId,
    /// How many reads there were.
    #[schema(example = 2)]
    reads: u64,
    /// The fields that were read, by category.
    #[schema(value_type = BTreeMap<String, Vec<String>>, example = json!({"profile": ["email"]}))]
    categories: BTreeMap<Name, BTreeSet<Name>>,
    /// What was read of the consents: `state`, `history`, `receipt`, `purposes`.
    #[schema(value_type = Vec<String>, example = json!(["state"]))]
    consents: BTreeSet<Name>,
    /// The purposes that the reads named.
    #[schema(value_type = Vec<String>, example = json!(["newsletter"]))]
    purposes: BTreeSet<Name>,
    /// How often the download of an export was handed out. It holds all that the request covers.
    #[schema(example = 0)]
    exports: u64,
    /// The first read.
    #[schema(value_type = String, format = DateTime, example = "2026-02-11T09:30:00.000000Z")]
    first_at: Time,
    /// The last read.
    #[schema(value_type = String, format = DateTime, example = "2026-02-12T17:04:00.000000Z")]
    last_at: Time,
}

impl From<exposure::Exposure> for Exposure {
    fn from(found: exposure::Exposure) -> Self {
        Self {
            until: found.until,
            totals: found.totals.map(ExposureTotals::from),
            subjects: found.subjects.into_iter().map(ExposedSubject::from).collect(),
            next: found.next.map(|position| cursor(&position.to_string())),
        }
    }
}

impl From<Totals> for ExposureTotals {
    fn from(totals: Totals) -> Self {
        Self {
            subjects: totals.subjects,
            reads: totals.reads,
            categories: totals.fields,
            consents: totals.consents,
            exports: totals.exports,
            erased: totals.erased.into(),
            purged: totals.purged.into(),
            app_exports: totals.app_exports,
        }
    }
}

impl From<Apart> for ExposureApart {
    fn from(Apart { subjects, reads }: Apart) -> Self {
        Self { subjects, reads }
    }
}

impl From<(SubjectId, Exposed)> for ExposedSubject {
    fn from((subject, exposed): (SubjectId, Exposed)) -> Self {
        Self {
            subject,
            reads: exposed.reads,
            categories: exposed.fields,
            consents: exposed.consents,
            purposes: exposed.purposes,
            exports: exposed.exports,
            first_at: exposed.first_at,
            last_at: exposed.last_at,
        }
    }
}

/// See whose data was read
///
/// Whose data, and which fields of it, a client or member of staff read in a time, or anyone did: the
/// first question after a breach (Art. 33(3)(a) and (c)). Counted are reads that were answered, of
/// records, identifiers and consents, and exports whose download was handed out. The whole time is
/// gone over for every page, so ask for large ones. The question is itself in the log. Problems:
/// `invalid-query` when `from` is not before `to` or both a client and a member of staff are named,
/// `invalid-time`, `invalid-cursor`, `client-not-found`, `user-not-found`.
#[utoipa::path(
    tag = "Log",
    params(("app" = String, Path, description = "The app"), ExposureParameters),
    responses((status = 200, description = "A page", body = Exposure)),
    security(("oauth2" = ["audit:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/audit/exposure")]
pub(crate) async fn get_exposure(
    api: web::Data<Api>,
    granted: Granted<scopes::AuditRead>,
    query: web::Query<ExposureParameters>,
) -> Answer {
    let wanted = query.read()?;
    let query = query.into_inner();
    let page = PageQuery::new(query.cursor, query.limit);
    let (after, limit) = (page.after()?, page.limit()?);
    let found = exposure::exposure(&api.oubli, &granted.caller, &wanted, after, limit).await?;
    Ok(HttpResponse::Ok().json(Exposure::from(found)))
}
