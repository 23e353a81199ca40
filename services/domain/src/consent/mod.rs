//! Consents: events that are only ever added, the state they amount to, and whether a purpose
//! holds. Knows neither where events are stored nor who asks.
//!
//! The state is decided by one event, the latest. [`Latest::apply`] keeps it up to date event by
//! event, in any order of arrival; folding the whole history gives the same.

mod holds;
mod signals;

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::data_map::Period;
use crate::ids::{EventId, Name};
use crate::problem::{Code, Refusal};
use crate::wire::wire_enum;

pub use holds::{NotPermitted, Standing, purpose_holds};
pub use signals::{Gpp, MAX_GPP, Signals};

wire_enum! {
    /// What a person did about a purpose.
    Action, "consent action" {
        /// Consent was given (Art. 4(11)).
        Granted = "granted",
        /// Consent was asked for and not given.
        Refused = "refused",
        /// Consent was taken back (Art. 7(3)).
        Withdrawn = "withdrawn",
    }
}

impl Action {
    /// On a tie the action that protects the person more wins: withdrawn, refused, granted.
    fn rank(self) -> u8 {
        match self {
            Action::Granted => 0,
            Action::Refused => 1,
            Action::Withdrawn => 2,
        }
    }
}

wire_enum! {
    /// What the events of a subject about a purpose amount to at an instant.
    State, "consent state" {
        /// The person was never asked.
        None = "none",
        /// Consent is given and stands.
        Granted = "granted",
        /// The person said no.
        Refused = "refused",
        /// Consent was taken back.
        Withdrawn = "withdrawn",
        /// Consent was given longer ago than the purpose's validity.
        Expired = "expired",
        /// Consent was given under a notice that has since asked for renewal.
        Outdated = "outdated",
    }
}

/// The language a notice was shown in: a short BCP 47 tag such as `fr` or `de-AT`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

impl Language {
    /// Checks the form of a tag: 2 or 3 letters, then up to three parts of 2 to 8 letters or
    /// digits, each after a hyphen.
    ///
    /// # Errors
    /// `invalid-body` otherwise.
    pub fn new(text: impl Into<String>) -> Result<Self, Refusal> {
        let text = text.into();
        let mut parts = text.split('-');
        let first = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        let valid = (2..=3).contains(&first.len())
            && first.bytes().all(|b| b.is_ascii_alphabetic())
            && rest.len() <= 3
            && rest.iter().all(|part| {
                (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
            });
        if valid {
            Ok(Self(text))
        } else {
            Err(Refusal::new(Code::InvalidBody).detail("A language must be a tag such as `de-AT`."))
        }
    }

    /// The tag as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Language {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::new(text)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

/// The text that a person was shown when they acted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The notice.
    pub notice: Name,
    /// Its version, from 1.
    pub version: u32,
    /// The language it was shown in.
    pub language: Language,
}

/// One fact about a subject and a purpose. Never changed; deleted only with the subject.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentEvent {
    /// Its id.
    pub id: EventId,
    /// The purpose it is about.
    pub purpose: Name,
    /// What the person did.
    pub action: Action,
    /// What they were shown. A grant cannot do without ([`ConsentEvent::check_shown`]); a withdrawal
    /// never needs more than granting did (Art. 7(3)).
    pub shown: Option<Shown>,
    /// When they did it: given by the service, or in the past by an import.
    pub occurred_at: Time,
    /// When the service learned of it.
    pub recorded_at: Time,
    /// The order in which the service learned of the events of one subject.
    pub seq: i64,
}

impl ConsentEvent {
    /// Checks what a person was shown against their action: consent is informed (Art. 4(11)), so
    /// a grant names the notice.
    ///
    /// # Errors
    /// `invalid-consent` when a grant names none.
    pub fn check_shown(action: Action, shown: Option<&Shown>) -> Result<(), Refusal> {
        if action == Action::Granted && shown.is_none() {
            return Err(Refusal::new(Code::InvalidConsent)
                .detail("A grant names the notice, its version and language."));
        }
        Ok(())
    }

    /// What orders two events: a total order, so that arrival makes no difference.
    fn rank(&self) -> impl Ord + use<> {
        (self.occurred_at, self.action.rank(), self.seq, self.id)
    }
}

/// From when on a purpose needs consent under a notice of at least some version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Renewal {
    /// The purpose's notice. Consent under another notice is outdated.
    pub notice: Name,
    /// A version that asks for renewal.
    pub version: u32,
    /// When that version was published.
    pub from: Time,
}

/// What a purpose asks of consent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Terms {
    /// How long a grant stands; without end when absent.
    pub validity: Option<Period>,
    /// The renewals that were asked for, in whatever order.
    pub renewals: Vec<Renewal>,
}

impl Terms {
    /// The same with the renewals alone that were asked for by `at`.
    #[must_use]
    pub fn as_of(mut self, at: Time) -> Self {
        self.renewals.retain(|renewal| renewal.from <= at);
        self
    }
}

/// The event that decides, kept as a row of its own beside the history.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Latest(pub Option<ConsentEvent>);

impl Latest {
    /// Takes in one more event, which may lie before those already taken in.
    #[must_use]
    pub fn apply(self, event: ConsentEvent) -> Self {
        match self.0 {
            Some(current) if current.rank() > event.rank() => Self(Some(current)),
            _ => Self(Some(event)),
        }
    }

    /// The deciding event of a whole history, in any order.
    pub fn fold(events: impl IntoIterator<Item = ConsentEvent>) -> Self {
        Self(events.into_iter().max_by_key(ConsentEvent::rank))
    }
}

/// The state of a subject's consent for a purpose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CurrentConsent {
    /// What it amounts to.
    pub state: State,
    /// Since when; none when the person was never asked.
    pub since: Option<Time>,
    /// When a grant ends or ended by itself.
    pub expires_at: Option<Time>,
    /// The event that decides.
    pub event: Option<ConsentEvent>,
}

impl CurrentConsent {
    /// The state of a person who was never asked.
    #[must_use]
    pub fn none() -> Self {
        Self { state: State::None, since: None, expires_at: None, event: None }
    }

    /// The state now, from the deciding event of everything known.
    ///
    /// Neither events nor renewals are compared with `now`: after the machine's clock stepped back,
    /// a withdrawal just recorded lies ahead of it and must count all the same, and so must a
    /// renewal just asked for.
    #[must_use]
    pub fn of(latest: Latest, terms: &Terms, now: Time) -> Self {
        let Some(event) = latest.0 else {
            return Self::none();
        };
        let granted = event.action == Action::Granted;
        let expires_at =
            terms.validity.filter(|_| granted).map(|period| period.after(event.occurred_at));
        let (state, since) = match event.action {
            Action::Refused => (State::Refused, event.occurred_at),
            Action::Withdrawn => (State::Withdrawn, event.occurred_at),
            Action::Granted => granted_state(&event, expires_at, &terms.renewals, now),
        };
        Self { state, since: Some(since), expires_at, event: Some(event) }
    }

    /// What was true at `at`: events that occurred later are left out, and so are renewals that
    /// were asked for later.
    pub fn fold_at(
        events: impl IntoIterator<Item = ConsentEvent>,
        terms: &Terms,
        at: Time,
    ) -> Self {
        let until = events.into_iter().filter(|event| event.occurred_at <= at);
        Self::of(Latest::fold(until), &terms.clone().as_of(at), at)
    }
}

/// A grant stands until it expires or its notice asks for renewal. One that was given under a
/// version that had already been renewed is outdated at once: it is kept as what the person did, and
/// permits nothing.
fn granted_state(
    event: &ConsentEvent,
    expires_at: Option<Time>,
    renewals: &[Renewal],
    now: Time,
) -> (State, Time) {
    if let Some(end) = expires_at.filter(|end| *end <= now) {
        return (State::Expired, end);
    }
    let unmet = renewals.iter().filter(|renewal| !meets(event.shown.as_ref(), renewal));
    match unmet.map(|renewal| renewal.from).min() {
        Some(first) => (State::Outdated, first.max(event.occurred_at)),
        None => (State::Granted, event.occurred_at),
    }
}

fn meets(shown: Option<&Shown>, renewal: &Renewal) -> bool {
    shown.is_some_and(|s| s.notice == renewal.notice && s.version >= renewal.version)
}

/// The events that the service knew of at `at`.
pub fn known_at(
    events: impl IntoIterator<Item = ConsentEvent>,
    at: Time,
) -> impl Iterator<Item = ConsentEvent> {
    events.into_iter().filter(move |event| event.recorded_at <= at)
}

/// When an event that arrives now occurred: now, but always after the `last` event of the same
/// subject and purpose, so that the newest word counts even when the machine's clock stepped back.
#[must_use]
pub fn next_occurred_at(now: Time, last: Option<Time>) -> Time {
    last.map_or(now, |last| now.max(Time(last.0.saturating_add(1))))
}

#[cfg(test)]
mod tests;
