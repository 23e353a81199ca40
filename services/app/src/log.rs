//! Log events: what a leaf says, and what stands beside it while the person does.

use oubli_domain::{AppId, EventId, SubjectId, Time, json};
use oubli_store::events::{NewEvent, Payload};
use oubli_vault::DataKey;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::caller::Actor;
use crate::read_payload::{APP_EXPORT, CONSENT, HANDED_OUT, READ, READS, REFUSED};

/// Every kind of event in the log of an app, by name.
pub(crate) const KINDS: &[&str] = &[
    "app.create",
    "app.deletion_cancelled",
    "app.deletion_proposed",
    APP_EXPORT,
    "audit.exposure",
    "certificate.final",
    "client.create",
    "client.revoke",
    "client.rotate",
    "consent.granted",
    CONSENT,
    "consent.refused",
    "consent.withdrawn",
    "data_map.put",
    "download.completed",
    HANDED_OUT,
    "events.exported",
    "events.searched",
    "hold.created",
    "hold.read",
    "hold.released",
    "identifier.added",
    "identifier.removed",
    "kept_item.read",
    "kept_items.erased",
    "notice.put",
    "purpose.ended",
    "purpose.resumed",
    "record.deleted",
    "record.put",
    READ,
    REFUSED,
    "request.completed",
    "request.created",
    "request.exported",
    "settings.put",
    "subject.contacted",
    "subject.created",
    "subject.matched",
];

/// What is to be logged.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// The subject it is about, with the pseudonym that the log knows it by.
    subject: Option<(SubjectId, [u8; 32])>,
    /// The pseudonym alone, when the subject is gone.
    pseudonym: Option<[u8; 32]>,
    reasons: Vec<&'static str>,
    record_version: Option<i64>,
    ciphertext: Option<[u8; 32]>,
    payload: Option<Value>,
    facts: Map<String, Value>,
}

impl Entry {
    /// An entry about nobody in particular.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An entry about a person.
    pub(crate) fn about(subject: SubjectId, key: &DataKey) -> Self {
        Self { subject: Some((subject, key.subject_ref())), ..Self::default() }
    }

    /// The pseudonym of a subject that is gone.
    pub(crate) fn pseudonym(mut self, subject_ref: [u8; 32]) -> Self {
        self.pseudonym = Some(subject_ref);
        self
    }

    /// A reason code.
    pub(crate) fn reason(mut self, code: &'static str) -> Self {
        self.reasons.push(code);
        self
    }

    /// The version of the record that was written, and its ciphertext, which the leaf commits to.
    pub(crate) fn record(mut self, version: i64, ciphertexts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in ciphertexts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        self.record_version = Some(version);
        self.ciphertext = Some(hash.finalize().into());
        self
    }

    /// What goes with the person: names and ids, never values. The leaf holds its salted hash.
    pub(crate) fn payload(mut self, payload: Value) -> Self {
        self.payload = Some(payload);
        self
    }

    /// A fact about no person, such as a request's id: it stays in the leaf for ever.
    pub(crate) fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// The row of the event. Its kind is one of [`KINDS`].
    pub(crate) fn event(
        self,
        app: &AppId,
        actor: &Actor,
        at: Time,
        kind: &'static str,
    ) -> NewEvent {
        #[cfg(test)]
        assert!(KINDS.contains(&kind), "{kind} is not among the kinds of events");
        let event = EventId::fresh(at);
        let actor = actor.to_string();
        let subject_ref = self.subject.map(|(_, r)| r).or(self.pseudonym);
        let payload = self.subject.zip(self.payload).map(|((subject, _), payload)| Payload {
            subject,
            salt: oubli_vault::random_bytes(),
            json: json::canonical(&payload),
            of_read: READS.contains(&kind),
        });
        let mut leaf = json!({
            "v": 1, "id": event, "app": app, "type": kind, "at": at, "actor": actor,
        });
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                leaf[name] = value;
            }
        };
        add("subject_ref", subject_ref.map(|r| hex(&r).into()));
        add("record_version", self.record_version.map(Value::from));
        add("ciphertext_sha256", self.ciphertext.map(|h| hex(&h).into()));
        add("payload_sha256", payload.as_ref().map(|p| hex(&payload_hash(p)).into()));
        add("reasons", (!self.reasons.is_empty()).then(|| self.reasons.into()));
        add("facts", (!self.facts.is_empty()).then_some(Value::Object(self.facts)));
        NewEvent {
            event,
            app: app.clone(),
            at,
            kind,
            actor,
            subject_ref,
            leaf: json::canonical(&leaf),
            payload,
        }
    }
}

/// SHA-256 of salt and payload: without the salt, which goes with the person, nobody can guess
/// what was said.
fn payload_hash(payload: &Payload) -> [u8; 32] {
    Sha256::new().chain_update(payload.salt).chain_update(payload.json.as_bytes()).finalize().into()
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
