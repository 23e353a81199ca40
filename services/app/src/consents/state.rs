//! The state of a person's consents: now, at an instant, and as it was known at an instant.

use std::collections::{BTreeMap, BTreeSet};

use oubli_domain::consent::{ConsentEvent, CurrentConsent, Latest, Terms, known_at};
use oubli_domain::data_map::LawfulBasis;
use oubli_domain::{AppId, Code, Name, Refusal, SubjectId, Time};
use oubli_store::{Conn, consents, subjects};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::error::Result;
use crate::log::Entry;
use crate::model::Model;
use crate::oubli::Oubli;
use crate::read_payload::CONSENT;

/// How many events are read at once.
const PAGE: i64 = 1_000;

/// Which state is asked for. Neither: the state now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AsOf {
    /// What was true then: events that occurred later are left out. `known_at` when absent.
    pub at: Option<Time>,
    /// What the service knew then: events that it learned of later are left out.
    pub known_at: Option<Time>,
}

/// The state of one purpose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PurposeConsent {
    /// The purpose.
    pub purpose: Name,
    /// Whether the data map in force has it as a purpose that rests on consent. Where it has not,
    /// nothing may be done for it whatever the state.
    pub in_force: bool,
    /// The state.
    pub consent: CurrentConsent,
}

/// The state of every purpose that rests on consent, and of those that did when the person acted,
/// by name. Validity is that of the data map in force, also for the past. The read is logged.
///
/// # Errors
/// `future-time`; `data-map-not-found`; `subject-not-found`, `subject-erasing`.
pub async fn state(
    oubli: &Oubli,
    caller: &Caller,
    subject: SubjectId,
    as_of: AsOf,
) -> Result<Vec<PurposeConsent>> {
    let now = oubli.now();
    if [as_of.at, as_of.known_at].into_iter().flatten().any(|at| at > now) {
        return Err(Refusal::new(Code::FutureTime)
            .detail("`at` and `known_at` must not lie in the future.")
            .into());
    }
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, &caller.app).await?;
    subjects::require(&mut conn, &caller.app, subject).await?;
    let states = if as_of == AsOf::default() {
        now_states(&mut conn, &model, subject, now).await?
    } else {
        past_states(&mut conn, &model, subject, as_of, now).await?
    };
    drop(conn);
    log_read(oubli, caller, subject, json!({ "view": "state" })).await?;
    Ok(states)
}

async fn now_states(
    conn: &mut Conn,
    model: &Model,
    subject: SubjectId,
    now: Time,
) -> Result<Vec<PurposeConsent>> {
    let latest = consents::all_latest(conn, &model.app.app, subject).await?;
    let mut latest: BTreeMap<Name, ConsentEvent> =
        latest.into_iter().map(|event| (event.purpose.clone(), event)).collect();
    let purposes = purposes(model, latest.keys())?;
    Ok(purposes
        .into_iter()
        .map(|(purpose, in_force)| {
            let terms = terms(model, &purpose, in_force);
            let consent = CurrentConsent::of(Latest(latest.remove(&purpose)), &terms, now);
            PurposeConsent { purpose, in_force, consent }
        })
        .collect())
}

async fn past_states(
    conn: &mut Conn,
    model: &Model,
    subject: SubjectId,
    as_of: AsOf,
    now: Time,
) -> Result<Vec<PurposeConsent>> {
    let app = &model.app.app;
    let events = all_events(conn, app, subject).await?;
    let mut by_purpose: BTreeMap<Name, Vec<ConsentEvent>> = BTreeMap::new();
    for event in known_at(events, as_of.known_at.unwrap_or(Time(i64::MAX))) {
        by_purpose.entry(event.purpose.clone()).or_default().push(event);
    }
    let until = as_of.at.or(as_of.known_at).unwrap_or(now);
    // What nobody had asked for yet was not known either.
    let asked_by = as_of.known_at.map_or(until, |known| known.min(until));
    let purposes = purposes(model, by_purpose.keys())?;
    Ok(purposes
        .into_iter()
        .map(|(purpose, in_force)| {
            let terms = terms(model, &purpose, in_force).as_of(asked_by);
            let events = by_purpose.remove(&purpose).unwrap_or_default();
            let consent = match as_of.at {
                Some(at) => CurrentConsent::fold_at(events, &terms, at),
                // Everything known counts: the clock may have stepped back before an event.
                None => CurrentConsent::of(Latest::fold(events), &terms, until),
            };
            PurposeConsent { purpose, in_force, consent }
        })
        .collect())
}

async fn all_events(conn: &mut Conn, app: &AppId, subject: SubjectId) -> Result<Vec<ConsentEvent>> {
    let mut events: Vec<ConsentEvent> = Vec::new();
    loop {
        let after = events.last().map(|last| (last.seq, last.id));
        let page = consents::history(conn, app, subject, after, PAGE).await?;
        if page.is_empty() {
            return Ok(events);
        }
        events.extend(page.into_iter().map(|stored| stored.event));
    }
}

/// The purposes that rest on consent, and those that the person has a history of, with whether
/// they are in force.
fn purposes<'h>(
    model: &'h Model,
    history: impl Iterator<Item = &'h Name>,
) -> Result<Vec<(Name, bool)>> {
    let declared = &model.map()?.map().purposes;
    let in_force: BTreeSet<&Name> = declared
        .iter()
        .filter(|(_, purpose)| purpose.lawful_basis == LawfulBasis::Consent)
        .map(|(name, _)| name)
        .collect();
    let all: BTreeSet<&Name> = history.chain(in_force.iter().copied()).collect();
    Ok(all.into_iter().map(|name| (name.clone(), in_force.contains(name))).collect())
}

fn terms(model: &Model, purpose: &Name, in_force: bool) -> Terms {
    if !in_force {
        return Terms::default();
    }
    model.terms(purpose).unwrap_or_default()
}

/// Logs that a person's consents were read; `what` says which of them.
pub(crate) async fn log_read(
    oubli: &Oubli,
    caller: &Caller,
    subject: SubjectId,
    what: Value,
) -> Result<()> {
    let key = oubli.keyring().data_key(&caller.app, subject).await?;
    let event = Entry::about(subject, &key).payload(what).event(
        &caller.app,
        &caller.actor,
        oubli.now(),
        CONSENT,
    );
    oubli.reads().record(event).await
}
