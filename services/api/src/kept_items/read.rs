//! `POST /v1/apps/{app}/kept-items/{item}/read`

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, post, web};
use oubli_app::kept_items;
use oubli_domain::hold::LegalGround;
use oubli_domain::{KeptItemId, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::wire::StoredItem;
use crate::extract::{Ask, Input, read_json, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Why a kept item is read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeptItemQuestion {
    /// `legal_claims`, `legal_obligation`, `authority_order` or `public_interest`. It stands in the
    /// log.
    #[schema(value_type = String, example = "legal_claims",
        pattern = "^(legal_claims|legal_obligation|authority_order|public_interest)$")]
    ground: LegalGround,
}

impl Input for KeptItemQuestion {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// A kept item with its values.
#[derive(Serialize, ToSchema)]
struct KeptItemRead {
    /// What it is, and who keeps it.
    #[serde(flatten)]
    item: StoredItem,
    /// Its values, by field.
    #[schema(value_type = Object, example = json!({ "total": 12.5 }))]
    body: Map<String, Value>,
}

/// Read a kept item
///
/// Its values, decrypted, on a ground that is logged before they are answered. Staff only. Problems:
/// `kept-item-not-found`, also once nothing keeps it any more.
#[utoipa::path(
    tag = "Holds",
    params(("app" = String, Path, description = "The app"),
        ("item" = String, Path, description = "The kept item's id")),
    request_body = KeptItemQuestion,
    responses((status = 200, description = "The values", body = KeptItemRead)),
    security(("staff" = ["kept-items:read"])),
)]
#[post("/v1/apps/{app}/kept-items/{item}/read")]
pub(crate) async fn read_kept_item(
    api: web::Data<Api>,
    question: Ask<scopes::KeptItemsRead, KeptItemQuestion>,
    path: web::Path<(String, KeptItemId)>,
) -> Answer {
    let ground = question.body.ground;
    let read = kept_items::read(&api.oubli, &question.caller, path.1, ground).await?;
    let answer = KeptItemRead { item: StoredItem::from(read.item), body: read.body };
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(answer))
}
