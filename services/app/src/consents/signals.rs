//! The signals of an event: sealed under the person's data key before they are stored.

use oubli_domain::EventId;
use oubli_domain::consent::{ConsentEvent, Gpp, Signals};
use oubli_store::consents::{StoredEvent, StoredSignals};
use oubli_vault::{DataKey, FieldContext, Label};

use crate::error::{Error, Result};

/// An event with the signals that came with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedEvent {
    /// The event.
    pub event: ConsentEvent,
    /// Its signals.
    pub signals: Signals,
}

impl RecordedEvent {
    /// Opens a stored event.
    ///
    /// # Errors
    /// When the signals were not sealed for it, or are damaged.
    pub(crate) fn open(key: &DataKey, stored: StoredEvent) -> Result<Self> {
        let signals = open(key, stored.event.id, &stored.signals)?;
        Ok(Self { event: stored.event, signals })
    }
}

/// Seals the signals of an event.
pub(super) fn seal(key: &DataKey, event: EventId, signals: &Signals) -> Result<StoredSignals> {
    let seal = |gpp: &Gpp| key.seal(&context(key, &event.to_string()), gpp.expose().as_bytes());
    let gpp = signals.gpp.as_ref().map(seal).transpose()?;
    Ok(StoredSignals { gpc: signals.gpc, gpp })
}

/// Opens the signals of an event.
pub(super) fn open(key: &DataKey, event: EventId, stored: &StoredSignals) -> Result<Signals> {
    let damaged = || Error::Damaged("consent_events.gpp");
    let open = |sealed: &Vec<u8>| {
        let text = key.open(&context(key, &event.to_string()), sealed)?;
        let text = std::str::from_utf8(&text).map_err(|_| damaged())?;
        Gpp::new(text).map_err(|_| damaged())
    };
    Ok(Signals { gpc: stored.gpc, gpp: stored.gpp.as_ref().map(open).transpose()? })
}

fn context<'a>(key: &'a DataKey, event: &'a str) -> FieldContext<'a> {
    key.context(Label::ConsentSignal, "", event, "gpp")
}
