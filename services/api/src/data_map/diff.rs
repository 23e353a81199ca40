//! `GET /v1/apps/{app}/data-map/diff`

use actix_web::{HttpResponse, get, web};
use oubli_app::data_map::{self, CountedChange, Diff};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Which versions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DiffQuery {
    /// The number of the earlier version; the one before `to` unless given.
    #[param(minimum = 1, example = 3)]
    from: Option<i64>,
    /// The number of the later version; the one in force unless given.
    #[param(minimum = 1, example = 4)]
    to: Option<i64>,
}

/// What changed between two versions of the data map.
#[derive(Serialize, ToSchema)]
struct DataMapDiff {
    /// The earlier version.
    #[schema(minimum = 1, example = 3)]
    from: i64,
    /// The later version.
    #[schema(minimum = 1, example = 4)]
    to: i64,
    /// What differs, in the order of the data map's members.
    changes: Vec<DataMapChange>,
}

/// One change of the data map.
#[derive(Serialize, ToSchema)]
struct DataMapChange {
    /// Of what: `category`, `field`, `purpose`, `read`, `recipient`, `transfer` or `app`.
    #[schema(example = "field")]
    part: &'static str,
    /// `added`, `removed` or `changed`.
    #[schema(example = "removed")]
    change: &'static str,
    /// Where: an RFC 6901 pointer into the data map; for an item of a list, the list.
    #[schema(example = "/categories/profile/fields/nickname")]
    pointer: String,
    /// What it said; absent when it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"schema": {"type": "string"}, "classification": "name", "origin": "provided"}))]
    from: Option<Value>,
    /// What it says; absent when it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    to: Option<Value>,
    /// What it means for what is stored.
    meanings: Vec<ChangeMeaning>,
}

/// What a change means for what is stored.
#[derive(Serialize, ToSchema)]
struct ChangeMeaning {
    /// Stable: branch on it.
    #[schema(example = "stays-stored-unread")]
    code: &'static str,
    /// The same for people.
    #[schema(example = "What is stored stays stored, and no purpose can read it.")]
    sentence: &'static str,
    /// How many records hold the field or stand in the category, or how many people consent to
    /// the purpose, now. Absent where there is nothing to count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1204)]
    count: Option<u64>,
    /// Whether only the first 10,000 were looked at, so that there may be more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(example = false)]
    at_least: bool,
}

impl From<CountedChange> for DataMapChange {
    fn from(counted: CountedChange) -> Self {
        let CountedChange { change, counts } = counted;
        let meanings = change.meanings.iter().zip(counts).map(|(meaning, count)| ChangeMeaning {
            code: meaning.effect.as_str(),
            sentence: meaning.effect.sentence(),
            count: count.map(|count| count.number),
            at_least: count.is_some_and(|count| count.at_least),
        });
        Self {
            part: change.part.as_str(),
            change: change.kind.as_str(),
            meanings: meanings.collect(),
            pointer: change.pointer,
            from: change.from,
            to: change.to,
        }
    }
}

/// Compare two versions of the data map
///
/// Each change comes with what it means for what is stored, and how much of it: what is counted is
/// stored now, whatever the versions. Problems: `data-map-not-found` when the app has no such
/// version.
#[utoipa::path(
    tag = "Data map",
    params(("app" = String, Path, description = "The app"), DiffQuery),
    responses((status = 200, description = "What changed", body = DataMapDiff)),
    security(("oauth2" = ["data-map:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/data-map/diff")]
pub(crate) async fn diff_data_maps(
    api: web::Data<Api>,
    granted: Granted<scopes::DataMapRead>,
    query: web::Query<DiffQuery>,
) -> Answer {
    let Diff { from, to, changes } =
        data_map::diff(&api.oubli, &granted.caller, query.from, query.to).await?;
    let changes = changes.into_iter().map(DataMapChange::from).collect();
    Ok(HttpResponse::Ok().json(DataMapDiff { from, to, changes }))
}
