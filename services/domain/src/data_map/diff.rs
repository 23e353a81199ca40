//! What changed between two versions of a data map, and what each change means for what is stored.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::compiled::narrows;
use super::{App, Category, DataMap, Field, LawfulBasis, Period, Purpose, Transfer};
use crate::clock::Time;
use crate::identifier::IdentifierType;
use crate::ids::Name;
use crate::wire::wire_enum;

wire_enum! {
    /// The part of a data map that a change is about.
    Part, "part" {
        /// A kind of record.
        Category = "category",
        /// A member of a category's records.
        Field = "field",
        /// Why data is processed.
        Purpose = "purpose",
        /// That a purpose may read a field.
        Read = "read",
        /// To whom data is disclosed.
        Recipient = "recipient",
        /// A transfer to a third country.
        Transfer = "transfer",
        /// A fact of the app, such as its controller.
        App = "app",
    }
}

wire_enum! {
    /// What happened to a part.
    ChangeKind, "kind of change" {
        /// It is new.
        Added = "added",
        /// It is gone.
        Removed = "removed",
        /// It says something else.
        Changed = "changed",
    }
}

macro_rules! effects {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $sentence:literal;)*) => {
        wire_enum! {
            /// What a change means for what is stored.
            Effect, "effect" { $($(#[$doc])* $name = $code,)* }
        }

        impl Effect {
            /// The same for people.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

effects! {
    /// A field or category was taken out.
    StaysUnread = "stays-stored-unread", "What is stored stays stored, and no purpose can read it.";
    /// A purpose reads a field that it did not.
    ReadsEarlier = "reads-earlier-values",
        "The purpose may read values that people gave under the earlier version.";
    /// A purpose reads a field no more.
    ReadsNoMore = "reads-no-more", "The purpose can no longer read the values; they stay stored.";
    /// A purpose was taken out.
    PurposeGone = "purpose-gone",
        "Nothing can be read for the purpose any more; consents given for it stay recorded.";
    /// A purpose rests on something else.
    BasisChanged = "basis-changed",
        "Reads for the purpose follow the new basis at once; consents given for it stay recorded.";
    /// Consent is given under another notice.
    NoticeChanged = "notice-changed",
        "Consent is asked for under another notice; consents given under the earlier one may no longer count.";
    /// Consents hold for a shorter time.
    ExpiresEarlier = "consent-expires-earlier",
        "Consents given already expire earlier, some of them at once.";
    /// Consents hold for a longer time.
    ExpiresLater = "consent-expires-later",
        "Consents given already expire later than people were told.";
    /// A declared duration changed.
    NothingErased = "nothing-erased",
        "Nothing is erased by a declared duration; it stands in the register and the notice.";
    /// A type that stored values may have is not allowed any more.
    RefusedWhenStored = "refused-when-stored",
        "Such a version is refused while records hold the field with another type.";
    /// The rules for values changed in another way.
    CheckedWhenWritten = "checked-when-written",
        "Stored values are not checked again until their record is written.";
    /// Retention starts from something else.
    ClockWhenWritten = "clock-when-written",
        "The start of retention of a stored record is worked out anew when it is written.";
    /// People must be told before it is done (Art. 13(3), 14(4)).
    TellPeople = "tell-people",
        "People whose data is stored are to be told before it begins (Art. 13(3), 14(4)).";
}

/// What a change reaches, for whoever counts it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reach {
    /// The records of a category.
    Records(Name),
    /// The records of a category that hold a field.
    Holding(Name, Name),
    /// The identifiers of a type.
    Identifiers(IdentifierType),
    /// The people whose last word on a purpose is a grant.
    Grants(Name),
}

/// One thing that a change means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// What.
    pub effect: Effect,
    /// For what; none when there is nothing to count.
    pub reach: Option<Reach>,
}

/// One change.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// Of what.
    pub part: Part,
    /// Which kind.
    pub kind: ChangeKind,
    /// Where, as an RFC 6901 pointer into a data map.
    pub pointer: String,
    /// What it said; none when it is new.
    pub from: Option<Value>,
    /// What it says; none when it is gone.
    pub to: Option<Value>,
    /// What it means for what is stored.
    pub meanings: Vec<Meaning>,
}

/// Every change from one version to another, in the order of the data map's members.
#[must_use]
pub fn diff(from: &DataMap, to: &DataMap) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, before, after) in pairs(&from.categories, &to.categories) {
        category(&mut changes, name, before, after);
    }
    for (name, before, after) in pairs(&from.purposes, &to.purposes) {
        purpose(&mut changes, name, before, after);
        reads(&mut changes, name, (from, before), (to, after));
    }
    app(&mut changes, &from.app, &to.app);
    changes
}

fn category(
    changes: &mut Vec<Change>,
    name: &Name,
    before: Option<&Category>,
    after: Option<&Category>,
) {
    let pointer = format!("/categories/{name}");
    let records = || Some(Reach::Records(name.clone()));
    let (Some(before), Some(after)) = (before, after) else {
        let gone =
            after.is_none().then(|| Meaning { effect: Effect::StaysUnread, reach: records() });
        changes.extend(whole(Part::Category, pointer, before, after, gone));
        return;
    };
    for mut change in members(Part::Category, &pointer, before, after, &["fields"]) {
        let effect = match change.member() {
            "duration" => Some((Effect::NothingErased, None)),
            "clock_start" => Some((Effect::ClockWhenWritten, records())),
            _ => None,
        };
        change.meanings.extend(effect.map(|(effect, reach)| Meaning { effect, reach }));
        changes.push(change);
    }
    for (field, before, after) in pairs(&before.fields, &after.fields) {
        self::field(changes, (name, field), before, after);
    }
}

fn field(
    changes: &mut Vec<Change>,
    (category, name): (&Name, &Name),
    before: Option<&Field>,
    after: Option<&Field>,
) {
    let pointer = format!("/categories/{category}/fields/{name}");
    let meaning = |effect| {
        let reach = Some(Reach::Holding(category.clone(), name.clone()));
        Meaning { effect, reach }
    };
    let (Some(before), Some(after)) = (before, after) else {
        let gone = after.is_none().then(|| meaning(Effect::StaysUnread));
        changes.extend(whole(Part::Field, pointer, before, after, gone));
        return;
    };
    for mut change in members(Part::Field, &pointer, before, after, &[]) {
        let effect = match change.member() {
            "schema" if narrows(&before.schema, &after.schema) => Some(Effect::RefusedWhenStored),
            "schema" | "required" => Some(Effect::CheckedWhenWritten),
            _ => None,
        };
        change.meanings.extend(effect.map(meaning));
        changes.push(change);
    }
}

fn purpose(
    changes: &mut Vec<Change>,
    name: &Name,
    before: Option<&Purpose>,
    after: Option<&Purpose>,
) {
    let pointer = format!("/purposes/{name}");
    let meaning = |effect| Meaning { effect, reach: Some(Reach::Grants(name.clone())) };
    let (Some(before), Some(after)) = (before, after) else {
        let means = match after {
            Some(_) => Meaning { effect: Effect::TellPeople, reach: None },
            None => meaning(Effect::PurposeGone),
        };
        changes.extend(whole(Part::Purpose, pointer, before, after, Some(means)));
        return;
    };
    for mut change in members(Part::Purpose, &pointer, before, after, &["reads"]) {
        let effect = match change.member() {
            "lawful_basis" => Some(Effect::BasisChanged),
            "notice" if after.lawful_basis == LawfulBasis::Consent => Some(Effect::NoticeChanged),
            "consent_validity" if after.lawful_basis == LawfulBasis::Consent => {
                validity(before, after)
            }
            _ => None,
        };
        change.meanings.extend(effect.map(meaning));
        changes.push(change);
    }
}

/// What another validity means: nothing when it is the same in other words, as `P12M` and `P1Y`.
fn validity(before: &Purpose, after: &Purpose) -> Option<Effect> {
    let same = |(before, after): (Period, Period)| before.is_same(after);
    if before.consent_validity.zip(after.consent_validity).is_some_and(same) {
        return None;
    }
    let shorter = GIVEN.iter().any(|given| expiry(after, *given) < expiry(before, *given));
    Some(if shorter { Effect::ExpiresEarlier } else { Effect::ExpiresLater })
}

/// By consents given on these days periods of months and of days compare: 1 January 2024, before a
/// long month and a long year, and 1 February 2025, before a short month and a short year.
const GIVEN: [Time; 2] = [Time(1_704_067_200_000_000), Time(1_738_368_000_000_000)];

/// When a consent given at a time expires.
fn expiry(purpose: &Purpose, given: Time) -> Time {
    purpose.consent_validity.map_or(Time(i64::MAX), |validity| validity.after(given))
}

/// The fields that a purpose reads now and did not, or did and does not.
fn reads(
    changes: &mut Vec<Change>,
    name: &Name,
    (from, before): (&DataMap, Option<&Purpose>),
    (to, after): (&DataMap, Option<&Purpose>),
) {
    let (before, after) = (read_by(from, before), read_by(to, after));
    for (kind, place) in before.symmetric_difference(&after).map(|place| {
        (if after.contains(place) { ChangeKind::Added } else { ChangeKind::Removed }, place)
    }) {
        let (category, field) = place;
        let value = Some(Value::from(field.as_str()));
        let (map, from, to, effect) = match kind {
            ChangeKind::Added => (to, None, value, Effect::ReadsEarlier),
            _ => (from, value, None, Effect::ReadsNoMore),
        };
        let reach = Some(holding(map, category, field));
        let pointer = format!("/purposes/{name}/reads/{category}");
        let meanings = vec![Meaning { effect, reach }];
        changes.push(Change { part: Part::Read, kind, pointer, from, to, meanings });
    }
}

/// What of the stored holds a field: records, or identifiers for the built-in category.
fn holding(map: &DataMap, category: &Name, field: &Name) -> Reach {
    match field.as_str().parse() {
        Ok(kind) if map.is_built_in(category) => Reach::Identifiers(kind),
        _ => Reach::Holding(category.clone(), field.clone()),
    }
}

fn read_by(map: &DataMap, purpose: Option<&Purpose>) -> BTreeSet<(Name, Name)> {
    let reads = purpose.into_iter().flat_map(|purpose| &purpose.reads);
    reads
        .flat_map(|(category, reads)| {
            map.resolve(category, reads).into_iter().map(|field| (category.clone(), field))
        })
        .collect()
}

fn app(changes: &mut Vec<Change>, before: &App, after: &App) {
    let skip = ["recipients", "transfers"];
    changes.extend(members(Part::App, "/app", before, after, &skip));
    let recipients = |app: &App| -> BTreeMap<String, Value> {
        app.recipients.iter().map(|r| (r.name.to_string(), value(r))).collect()
    };
    let transfers = |app: &App| -> BTreeMap<String, Value> {
        // A recipient may be sent to under several safeguards: each is a transfer of its own.
        let key = |t: &Transfer| {
            let recipient = t.recipient.as_ref().map_or("", Name::as_str);
            format!("{} {recipient} {}", t.country, t.safeguard)
        };
        app.transfers.iter().map(|t| (key(t), value(t))).collect()
    };
    disclosures(changes, Part::Recipient, &recipients(before), &recipients(after));
    disclosures(changes, Part::Transfer, &transfers(before), &transfers(after));
}

/// Lists have no stable pointers of their items: a change names the list and shows the items.
fn disclosures(
    changes: &mut Vec<Change>,
    part: Part,
    before: &BTreeMap<String, Value>,
    after: &BTreeMap<String, Value>,
) {
    for (_, before, after) in pairs(before, after).filter(|(_, before, after)| before != after) {
        let told = Meaning { effect: Effect::TellPeople, reach: None };
        let told = before.is_none().then_some(told);
        changes.extend(whole(part, format!("/app/{part}s"), before, after, told));
    }
}

/// The change of a part that is there in at most one version, or is shown whole.
fn whole<T: Serialize>(
    part: Part,
    pointer: String,
    before: Option<&T>,
    after: Option<&T>,
    meaning: Option<Meaning>,
) -> Option<Change> {
    let kind = match (before, after) {
        (None, None) => return None,
        (None, _) => ChangeKind::Added,
        (_, None) => ChangeKind::Removed,
        _ => ChangeKind::Changed,
    };
    let (from, to) = (before.map(value), after.map(value));
    Some(Change { part, kind, pointer, from, to, meanings: meaning.into_iter().collect() })
}

/// The members that differ, but those of `skip`.
fn members<T: Serialize>(
    part: Part,
    pointer: &str,
    before: &T,
    after: &T,
    skip: &[&str],
) -> Vec<Change> {
    let (before, after) = (object(before), object(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| !skip.contains(&name.as_str()) && before.get(*name) != after.get(*name))
        .filter_map(|name| {
            let pointer = format!("{pointer}/{name}");
            whole(part, pointer, before.get(name), after.get(name), None)
        })
        .collect()
}

impl Change {
    /// The last part of the pointer.
    fn member(&self) -> &str {
        self.pointer.rsplit('/').next().unwrap_or_default()
    }
}

fn value<T: Serialize>(part: &T) -> Value {
    // The parts of a data map are made of texts, lists and maps of names: they always are JSON.
    serde_json::to_value(part).unwrap_or_default()
}

fn object<T: Serialize>(part: &T) -> Map<String, Value> {
    match value(part) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The items of two maps by name.
fn pairs<'m, K: Ord, V>(
    before: &'m BTreeMap<K, V>,
    after: &'m BTreeMap<K, V>,
) -> impl Iterator<Item = (&'m K, Option<&'m V>, Option<&'m V>)> {
    let names: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    names.into_iter().map(|name| (name, before.get(name), after.get(name)))
}
