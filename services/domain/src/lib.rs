//! The words of Oubli as types: ids, times, data maps, identifiers, consents, requests, scopes,
//! and the one table of errors that a caller can meet.
//!
//! This crate owns every *rule*. It does no I/O, has no async code and knows neither SQL, HTTP,
//! nor keys: what it takes and gives are plain values, so that each rule is tested by itself.

pub mod clock;
pub mod consent;
pub mod data_map;
pub mod deletion;
pub mod hold;
pub mod identifier;
pub mod ids;
pub mod import_line;
pub mod json;
pub mod pii;
pub mod problem;
pub mod record;
pub mod request;
pub mod scope;
mod wire;

pub use clock::{Clock, Day, Time};
pub use data_map::{CompiledDataMap, DataMap};
pub use deletion::{AppState, DeletionState, DeletionStep};
pub use identifier::{IdentifierType, NormalisedIdentifier};
pub use ids::{
    AppId, CertificateId, ClaimId, ClientId, EventId, ExportId, HoldId, IdentifierId, JobId,
    KeptItemId, Name, RecordId, RequestId, SessionId, SubjectId, UserId,
};
pub use pii::Pii;
pub use problem::{Code, FieldError, Refusal};
pub use request::{Right, SubjectState};
