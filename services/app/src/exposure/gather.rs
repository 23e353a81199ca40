//! Gathering what was read of a bounded number of people.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use oubli_domain::data_map::FieldSet;
use oubli_domain::{AppId, Name, SubjectId, Time};
use oubli_store::exposure::{self, TracedEvent};
use serde::Deserialize;

use super::bounds;
use crate::error::{Error, Result};
use crate::oubli::Oubli;
use crate::read_payload::{APP_EXPORT, CONSENT, HANDED_OUT, READ, ReadPayload};

/// The events of one short read.
const PAGE: i64 = 1_000;

/// Which events are gone over.
pub(super) struct Window<'a> {
    pub(super) oubli: &'a Oubli,
    pub(super) app: &'a AppId,
    pub(super) actor: Option<String>,
    pub(super) from: Time,
    /// Those before this time.
    pub(super) until: Time,
}

/// Whom a read was of. Those who are known come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Person {
    Known(SubjectId),
    /// The read's payload is gone: that of an erased person, or an old one.
    Unknown([u8; 32]),
}

/// What was read of one person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exposed {
    /// How many reads there were.
    pub reads: u64,
    /// The fields whose values were read, by category; the types of identifiers stand under
    /// `identifiers`.
    pub fields: FieldSet,
    /// What was read of the consents: `state`, `history`, `receipt`, `purposes`.
    pub consents: BTreeSet<Name>,
    /// The purposes that the reads named.
    pub purposes: BTreeSet<Name>,
    /// How often the download of an export was handed out. It holds all that the request covers.
    pub exports: u64,
    /// The first read.
    pub first_at: Time,
    /// The last read.
    pub last_at: Time,
}

impl Exposed {
    fn begin(at: Time) -> Self {
        Self {
            reads: 0,
            fields: FieldSet::new(),
            consents: BTreeSet::new(),
            purposes: BTreeSet::new(),
            exports: 0,
            first_at: at,
            last_at: at,
        }
    }

    fn add(&mut self, at: Time, read: Option<Read>) {
        self.reads += 1;
        self.first_at = self.first_at.min(at);
        self.last_at = self.last_at.max(at);
        match read {
            Some(Read::Records(payload)) => {
                self.purposes.insert(payload.purpose);
                for (category, fields) in payload.fields {
                    self.fields.entry(category).or_default().extend(fields);
                }
            }
            Some(Read::Consents(view)) => {
                self.consents.insert(view);
            }
            Some(Read::Export) => self.exports += 1,
            None => {}
        }
    }
}

/// What one event says was read.
enum Read {
    Records(ReadPayload),
    Consents(Name),
    Export,
}

#[derive(Deserialize)]
struct ConsentRead {
    view: Name,
}

impl Read {
    fn of(kind: &str, payload: &str) -> Result<Self> {
        match kind {
            READ => ReadPayload::parse(payload).map(Self::Records),
            CONSENT => {
                let read: ConsentRead = serde_json::from_str(payload)
                    .map_err(|_| Error::Damaged("event_payloads.payload"))?;
                Ok(Self::Consents(read.view))
            }
            _ => Ok(Self::Export),
        }
    }
}

/// The people who come first, with what was read of them.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) people: BTreeMap<Person, Exposed>,
    /// Whether there are others after them.
    pub(super) more: bool,
    /// How often the whole app was exported.
    pub(super) app_exports: u64,
}

impl Gathered {
    pub(super) fn known(&self) -> impl Iterator<Item = (SubjectId, Exposed)> {
        self.people.iter().filter_map(|(person, exposed)| match person {
            Person::Known(subject) => Some((*subject, exposed.clone())),
            Person::Unknown(_) => None,
        })
    }

    pub(super) fn last(&self) -> Option<Person> {
        self.people.last_key_value().map(|(person, _)| *person)
    }

    fn take(&mut self, event: TracedEvent, after: Option<Person>, most: usize) -> Result<()> {
        if event.kind == APP_EXPORT {
            self.app_exports += u64::from(begins_export(&event.leaf)?);
        }
        if ![READ, CONSENT, HANDED_OUT].contains(&event.kind.as_str()) {
            return Ok(());
        }
        let (person, read) = match (event.about, event.subject_ref) {
            (Some((subject, payload)), _) => {
                (Person::Known(subject), Some(Read::of(&event.kind, &payload)?))
            }
            (None, Some(pseudonym)) => (Person::Unknown(pseudonym), None),
            (None, None) => return Ok(()),
        };
        if after.is_none_or(|after| person > after) {
            self.add(person, event.at, read, most);
        }
        Ok(())
    }

    /// Whoever is left out stays out: once it is full, the last of those who are kept only ever
    /// comes earlier, so that nobody returns with a part of what was read.
    fn add(&mut self, person: Person, at: Time, read: Option<Read>, most: usize) {
        let full = self.people.len() >= most;
        let beyond = self.last().is_none_or(|last| person > last);
        match self.people.entry(person) {
            Entry::Occupied(mut known) => known.get_mut().add(at, read),
            Entry::Vacant(_) if full && beyond => self.more = true,
            Entry::Vacant(place) => {
                place.insert(Exposed::begin(at)).add(at, read);
                if full {
                    self.people.pop_last();
                    self.more = true;
                }
            }
        }
    }
}

/// Each export of an app has two events; it may have ended early after the first.
fn begins_export(leaf: &str) -> Result<bool> {
    let leaf: serde_json::Value =
        serde_json::from_str(leaf).map_err(|_| Error::Damaged("events.leaf"))?;
    Ok(leaf["facts"]["step"] == "start")
}

/// Goes over the log for at most `most` people after `after`.
pub(super) async fn gather(
    window: &Window<'_>,
    after: Option<Person>,
    most: usize,
) -> Result<Gathered> {
    let mut gathered = Gathered::default();
    let (mut last, end) = bounds(window.from, window.until);
    loop {
        let mut conn = window.oubli.data().conn().await?;
        let actor = window.actor.as_deref();
        let page = exposure::page(&mut conn, window.app, actor, last, end, PAGE).await?;
        drop(conn);
        let Some(newest) = page.last() else { return Ok(gathered) };
        last = newest.event;
        for event in page {
            if (window.from..window.until).contains(&event.at) {
                gathered.take(event, after, most)?;
            }
        }
    }
}
