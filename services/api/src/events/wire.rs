//! How an event looks on the wire.

use oubli_app::events::FoundEvent;
use oubli_domain::EventId;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One event of the log.
#[derive(Serialize, ToSchema)]
pub(super) struct Event {
    /// Its id.
    #[schema(value_type = String, example = "evt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    event: EventId,
    /// The leaf. What is hashed is its RFC 8785 form. It holds no personal data.
    #[schema(value_type = Object, example = json!({
        "v": 1, "id": "evt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19", "app": "shop",
        "type": "record.read", "at": "2026-02-11T09:30:00.000000Z",
        "actor": "client:shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19",
        "subject_ref": "5f1d7a84db00d2fce00b31a7fc73224e1d7a84db00d2fce00b31a7fc73224e00",
        "payload_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    }))]
    leaf: Value,
    /// What goes with the person, names and ids: absent when it is gone, when there is none and
    /// when it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>,
        example = json!({"purpose": "newsletter", "fields": {"profile": ["email"]}, "record": "main"}))]
    payload: Option<Value>,
}

impl From<FoundEvent> for Event {
    fn from(FoundEvent { event, leaf, payload }: FoundEvent) -> Self {
        Self { event, leaf, payload }
    }
}
