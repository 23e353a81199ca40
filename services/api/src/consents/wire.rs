//! How consents look on the wire.

use std::str::FromStr;

use oubli_app::Checked;
use oubli_app::consents::{CallerId, CheckItem, NewConsent, Position, Recorded, RecordedEvent};
use oubli_domain::consent::{Action, ConsentEvent, Gpp, Language, NotPermitted, Signals};
use oubli_domain::{EventId, Name, Refusal, SubjectId, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, read_json};
use crate::subjects::wire::{IdentifierInput, selector};

/// The path of a subject.
#[derive(Deserialize)]
pub(super) struct SubjectPath {
    pub(super) subject: SubjectId,
}

/// What a person did about a purpose.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsentInput {
    /// A purpose of the data map that rests on consent.
    #[schema(value_type = String, example = "newsletter")]
    pub(super) purpose: Name,
    /// `granted`, `refused` or `withdrawn`.
    #[schema(value_type = String, pattern = "^(granted|refused|withdrawn)$", example = "granted")]
    pub(super) action: Action,
    /// The version of the purpose's notice that the person was shown. A grant needs it; a
    /// withdrawal needs nothing but its purpose.
    #[schema(minimum = 1, example = 1)]
    pub(super) notice_version: Option<u32>,
    /// The language it was shown in; together with the version.
    #[schema(value_type = Option<String>, example = "en")]
    pub(super) language: Option<Language>,
    /// Your own id of the event: a repeat with the same content is answered with the first event.
    /// 1 to 128 visible ASCII characters, one for each event of a subject.
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    pub(super) id: Option<String>,
    /// What a browser or a consent platform said when the person acted.
    pub(super) signals: Option<SignalsInput>,
}

/// Privacy signals, kept with their event as they came. They are evidence, and change no state by
/// themselves: where `Sec-GPC: 1` means that a person refuses, record the refusal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConsentSignals)]
pub(super) struct SignalsInput {
    /// Global Privacy Control: whether the person's request carried `Sec-GPC: 1`.
    #[schema(example = true)]
    gpc: Option<bool>,
    /// The string of the IAB Global Privacy Platform (section "GPP String Format"): a header and
    /// sections of base64url with `~` between, sub-sections with `.` between.
    #[schema(
        min_length = 1,
        max_length = 4096,
        pattern = "^D[A-Za-z0-9_-]*(~[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*)*$",
        example = "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
    )]
    gpp: Option<String>,
}

impl SignalsInput {
    /// # Errors
    /// `invalid-body` with its place.
    fn read(self) -> Result<Signals, Refusal> {
        let rule = "must be a GPP string of 4,096 bytes at most, such as `DBABMA~…`";
        let gpp = self.gpp.map(Gpp::new).transpose().map_err(|r| r.at("/signals/gpp", rule))?;
        Ok(Signals { gpc: self.gpc, gpp })
    }
}

impl ConsentInput {
    /// # Errors
    /// `invalid-id`, `invalid-body` with their place.
    pub(super) fn read(self) -> Result<NewConsent, Refusal> {
        let rule = "must have 1 to 128 visible ASCII characters";
        let id = self.id.map(CallerId::new).transpose().map_err(|r| r.at("/id", rule))?;
        let signals = self.signals.map(SignalsInput::read).transpose()?.unwrap_or_default();
        Ok(NewConsent {
            purpose: self.purpose,
            action: self.action,
            notice_version: self.notice_version,
            language: self.language,
            id,
            signals,
        })
    }
}

impl Input for ConsentInput {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// A recorded event.
#[derive(Serialize, ToSchema)]
pub(super) struct RecordedConsent {
    /// Its id.
    #[schema(value_type = String, example = "evt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    event: EventId,
    /// When it occurred, by the service's clock.
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Time,
}

impl From<Recorded> for RecordedConsent {
    fn from(recorded: Recorded) -> Self {
        Self { event: recorded.event, occurred_at: recorded.occurred_at }
    }
}

/// A consent event.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentEvent)]
pub(super) struct EventView {
    /// Its id.
    #[schema(value_type = String, example = "evt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    event: EventId,
    /// The purpose.
    #[schema(value_type = String, example = "newsletter")]
    purpose: Name,
    /// `granted`, `refused` or `withdrawn`.
    #[schema(example = "granted")]
    action: &'static str,
    /// The notice that the person was shown, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "newsletter")]
    notice: Option<Name>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    notice_version: Option<u32>,
    /// Its language.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "en")]
    language: Option<Language>,
    /// When the person did it.
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Time,
    /// When the service learned of it.
    #[schema(value_type = String, format = DateTime)]
    recorded_at: Time,
    /// What came with it; in the list of events alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    signals: Option<SignalsView>,
    #[serde(skip)]
    seq: i64,
}

/// The privacy signals that came with an event, as they came.
#[derive(Serialize, ToSchema)]
#[schema(as = RecordedSignals)]
pub(super) struct SignalsView {
    /// Global Privacy Control: whether the person's request carried `Sec-GPC: 1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = true)]
    gpc: Option<bool>,
    /// The string of the IAB Global Privacy Platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA")]
    gpp: Option<String>,
}

impl SignalsView {
    fn of(signals: &Signals) -> Option<Self> {
        let gpp = signals.gpp.as_ref().map(|gpp| gpp.expose().to_owned());
        (!signals.is_empty()).then_some(Self { gpc: signals.gpc, gpp })
    }
}

impl From<RecordedEvent> for EventView {
    fn from(recorded: RecordedEvent) -> Self {
        let signals = SignalsView::of(&recorded.signals);
        Self { signals, ..Self::from(recorded.event) }
    }
}

impl From<ConsentEvent> for EventView {
    fn from(event: ConsentEvent) -> Self {
        let (notice, notice_version, language) = match event.shown {
            Some(shown) => (Some(shown.notice), Some(shown.version), Some(shown.language)),
            None => (None, None, None),
        };
        Self {
            event: event.id,
            purpose: event.purpose,
            action: event.action.as_str(),
            notice,
            notice_version,
            language,
            occurred_at: event.occurred_at,
            recorded_at: event.recorded_at,
            signals: None,
            seq: event.seq,
        }
    }
}

impl EventView {
    /// Where the page after this event begins.
    pub(super) fn cursor(&self) -> String {
        format!("{}.{}", self.seq, self.event)
    }
}

/// Where a page of the history begins: the number and the id of the event before it.
pub(super) struct Cursor(pub(super) Position);

impl FromStr for Cursor {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (seq, event) = text.split_once('.').ok_or(())?;
        Ok(Self((seq.parse().map_err(drop)?, event.parse().map_err(drop)?)))
    }
}

/// A question: does the purpose hold for the person now? The subject is named by `subject` or by
/// `identifier`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckInput {
    /// The subject's id.
    #[schema(value_type = Option<String>, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: Option<SubjectId>,
    /// A value that finds the subject.
    identifier: Option<IdentifierInput>,
    /// A purpose of the data map, on whatever basis.
    #[schema(value_type = String, example = "newsletter")]
    purpose: Name,
}

impl CheckInput {
    /// # Errors
    /// `invalid-body` unless exactly one of `subject` and `identifier` is there.
    pub(super) fn read(self) -> Result<CheckItem, Refusal> {
        let subject = selector(self.subject, self.identifier)?;
        Ok(CheckItem { subject, purpose: self.purpose })
    }
}

impl Input for CheckInput {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// Whether a purpose holds.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckAnswer {
    /// Whether data may be processed for it now.
    permitted: bool,
    /// Why not: `consent-none`, `consent-refused`, `consent-withdrawn`, `consent-expired`,
    /// `consent-outdated`, `ended`, `objected` or `restricted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "consent-withdrawn")]
    reason: Option<&'static str>,
    /// The state of consent: `none`, `granted`, `refused`, `withdrawn`, `expired` or `outdated`;
    /// `none` where the purpose does not rest on consent.
    #[schema(example = "withdrawn")]
    state: &'static str,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Time>,
    /// When a grant ends or ended by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
}

impl From<Checked> for CheckAnswer {
    fn from(checked: Checked) -> Self {
        Self {
            permitted: checked.permitted,
            reason: checked.reason.map(NotPermitted::as_str),
            state: checked.state.as_str(),
            since: checked.since,
            expires_at: checked.expires_at,
        }
    }
}
