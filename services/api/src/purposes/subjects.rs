//! `GET /v1/apps/{app}/purposes/{purpose}/subjects`

use actix_web::{HttpResponse, get, web};
use oubli_app::reads::{self, HolderPosition, Holders};
use oubli_domain::Time;
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::PurposePath;
use crate::extract::{Granted, PageQuery, cursor, scopes};
use crate::problem::Answer;
use crate::records::wire::PersonRead;
use crate::state::Api;

/// A page of those for whom a purpose holds.
#[derive(Serialize, ToSchema)]
struct HoldersPage {
    /// The moment at which the purpose held for all of them.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    checked_at: Time,
    /// Who, with what the purpose reads of them, in the order of their ids.
    items: Vec<PersonRead>,
    /// The cursor of the next page; absent on the last. A page may hold fewer than `limit`, or
    /// nobody, and still have a next.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl From<Holders> for HoldersPage {
    fn from(Holders { checked_at, people, next }: Holders) -> Self {
        Self {
            checked_at,
            items: people.into_iter().map(PersonRead::from).collect(),
            next: next.map(|position| cursor(&position.to_string())),
        }
    }
}

/// List those for whom a purpose holds
///
/// With the fields that the purpose reads: a mailing list that cannot go stale. Each page is judged
/// as a check would be, at one moment; whoever withdrew, objected, was restricted or erased before
/// the call is not in it. It ends after about 4 MiB of values, so send what a page holds before you
/// ask for the next. Each person's read is in the log before it is answered. Problems:
/// `purpose-not-found`, `data-map-not-found`, `invalid-query`, `invalid-cursor`.
#[utoipa::path(
    tag = "Purposes",
    params(("app" = String, Path, description = "The app"),
        ("purpose" = String, Path, description = "The purpose's name"),
        PageQuery),
    responses((status = 200, description = "A page", body = HoldersPage)),
    security(("oauth2" = ["records:read"])),
)]
#[get("/v1/apps/{app}/purposes/{purpose}/subjects")]
pub(crate) async fn list_holders(
    api: web::Data<Api>,
    granted: Granted<scopes::RecordsRead>,
    path: web::Path<PurposePath>,
    query: web::Query<PageQuery>,
) -> Answer {
    let (after, limit): (Option<HolderPosition>, u32) = (query.after()?, query.limit()?);
    let page = reads::holders(&api.oubli, &granted.caller, &path.purpose, after, limit).await?;
    Ok(HttpResponse::Ok().json(HoldersPage::from(page)))
}
