//! A data map ready for use: validators compiled and purposes resolved, once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jsonschema::Validator;
use serde_json::{Map, Value};

use super::check::types;
use super::retention::{Calendar, ClockFrom};
use super::{Category, DataMap, Purpose, schema, violation};
use crate::clock::{Day, Time};
use crate::ids::Name;
use crate::problem::{Code, Refusal};
use crate::record::validate_body;

/// The fields that a purpose may read, by category. A category without fields is left out.
pub type FieldSet = BTreeMap<Name, BTreeSet<Name>>;

/// A valid data map, compiled. Costly to make and cheap to use: share it in an `Arc`.
#[derive(Debug)]
pub struct CompiledDataMap {
    map: DataMap,
    validators: HashMap<Name, Validator>,
    reads: HashMap<Name, FieldSet>,
    calendar: Calendar,
}

impl CompiledDataMap {
    /// Compiles a data map that [`DataMap::parse`] or [`DataMap::parse_stored`] gave.
    ///
    /// # Errors
    /// `invalid-data-map` when the map did not come from there and cannot be compiled.
    pub fn compile(map: DataMap) -> Result<Self, Refusal> {
        let calendar = Calendar::new(&map.app.time_zone, map.app.financial_year_end.as_deref())
            .ok_or(Code::InvalidDataMap)?;
        let validators = map
            .categories
            .iter()
            .map(|(name, category)| Some((name.clone(), schema::compile_category(category)?)))
            .collect::<Option<_>>()
            .ok_or(Code::InvalidDataMap)?;
        let reads = map
            .purposes
            .iter()
            .map(|(name, purpose)| (name.clone(), resolve(&map, purpose)))
            .collect();
        Ok(Self { map, validators, reads, calendar })
    }

    /// The data map as declared.
    #[must_use]
    pub fn map(&self) -> &DataMap {
        &self.map
    }

    /// A category.
    ///
    /// # Errors
    /// `unknown-category` when the data map has none of this name.
    pub fn category(&self, name: &Name) -> Result<&Category, Refusal> {
        self.map.categories.get(name).ok_or_else(|| Refusal::new(Code::UnknownCategory))
    }

    /// A purpose.
    ///
    /// # Errors
    /// `unknown-purpose` when the data map has none of this name.
    pub fn purpose(&self, name: &Name) -> Result<&Purpose, Refusal> {
        self.map.purposes.get(name).ok_or_else(|| Refusal::new(Code::UnknownPurpose))
    }

    /// The fields that a purpose may read, by category.
    ///
    /// # Errors
    /// `unknown-purpose` when the data map has none of this name.
    pub fn fields_for(&self, purpose: &Name) -> Result<&FieldSet, Refusal> {
        self.reads.get(purpose).ok_or_else(|| Refusal::new(Code::UnknownPurpose))
    }

    /// Whether a purpose may read a field. What is not declared, no purpose can read.
    #[must_use]
    pub fn may_read(&self, purpose: &Name, category: &Name, field: &Name) -> bool {
        self.reads
            .get(purpose)
            .and_then(|categories| categories.get(category))
            .is_some_and(|fields| fields.contains(field))
    }

    /// Whether a category has a field. One that was taken out of the data map may still be stored.
    #[must_use]
    pub fn declares(&self, category: &Name, field: &Name) -> bool {
        self.map.categories.get(category).is_some_and(|known| known.fields.contains_key(field))
    }

    /// The days on which retention starts to count for records whose category counts from the
    /// person's last contact, by category.
    ///
    /// # Errors
    /// `invalid-time` when the contact lies outside of 1900 to 2100.
    pub fn clock_starts_of_contact(
        &self,
        last_contact: Time,
    ) -> Result<BTreeMap<Name, Day>, Refusal> {
        let counted = self.map.categories.iter();
        counted
            .filter(|(_, category)| category.clock_start.from == ClockFrom::LastContact)
            .filter_map(|(name, category)| {
                let start = &category.clock_start;
                // Such a start looks neither at the record nor at its creation.
                let day = start.day(&self.calendar, &Value::Null, last_contact, last_contact);
                day.map(|day| day.map(|day| (name.clone(), day))).transpose()
            })
            .collect()
    }

    /// Checks the body of a record against its category.
    ///
    /// # Errors
    /// `unknown-category`; `too-large`; `invalid-record` with the members that are wrong. A member
    /// that is not declared is not named but counted: its name may be personal data.
    pub fn validate_record(&self, category: &Name, body: &Value) -> Result<(), Refusal> {
        let declared = self.category(category)?;
        let validator = self.validators.get(category).ok_or(Code::UnknownCategory)?;
        let members = validate_body(body)?;
        refuse_undeclared(declared, members)?;
        if validator.is_valid(body) {
            return Ok(());
        }
        violation::refuse(Code::InvalidRecord, validator.iter_errors(body), |path| {
            declared_parts(declared, path)
        })
    }

    /// The day on which the retention of a record starts to count, in the app's time zone: none
    /// while the field that it starts from is absent or empty.
    ///
    /// # Errors
    /// `unknown-category`; `invalid-record` when that field holds no date between 1900 and 2100;
    /// `invalid-time` when an instant lies outside of them.
    pub fn clock_start(
        &self,
        category: &Name,
        body: &Value,
        created: Time,
        last_contact: Time,
    ) -> Result<Option<Day>, Refusal> {
        self.category(category)?.clock_start.day(&self.calendar, body, created, last_contact)
    }

    /// The civil day of an instant in the app's time zone.
    ///
    /// # Errors
    /// `invalid-time` outside of the years 1900 to 2100.
    pub fn day(&self, at: Time) -> Result<Day, Refusal> {
        self.calendar.day(at).map(Day::from_date)
    }

    /// The fields of `previous` that this data map still has and whose values may no longer fit
    /// their type: some JSON type they could have is not allowed any more. Stored values of these
    /// stand in the way of this version.
    #[must_use]
    pub fn changes_type_of(&self, previous: &DataMap) -> Vec<(Name, Name)> {
        let mut changed = Vec::new();
        for (name, before) in &previous.categories {
            let Some(after) = self.map.categories.get(name) else { continue };
            for (field, before) in &before.fields {
                let kept = after.fields.get(field);
                if kept.is_some_and(|after| narrows(&before.schema, &after.schema)) {
                    changed.push((name.clone(), field.clone()));
                }
            }
        }
        changed
    }
}

/// Whether a type that `before` allows is not allowed by `after`. Integers are numbers.
pub(super) fn narrows(before: &Value, after: &Value) -> bool {
    let after = types(after);
    let fits = |t: &&str| after.contains(t) || *t == "integer" && after.contains(&"number");
    !types(before).iter().all(fits)
}

fn resolve(map: &DataMap, purpose: &Purpose) -> FieldSet {
    purpose
        .reads
        .iter()
        .map(|(category, reads)| (category.clone(), map.resolve(category, reads)))
        .filter(|(_, fields)| !fields.is_empty())
        .collect()
}

/// Refuses members that the category does not declare, by their position from 1.
fn refuse_undeclared(category: &Category, members: &Map<String, Value>) -> Result<(), Refusal> {
    let mut refusal = Refusal::new(Code::InvalidRecord);
    for (n, member) in members.keys().enumerate() {
        if !is_declared(category, member) && refusal.errors.len() < 20 {
            refusal = refusal.at("", format!("member {} is not declared in the data map", n + 1));
        }
    }
    if refusal.errors.is_empty() { Ok(()) } else { Err(refusal) }
}

fn is_declared(category: &Category, member: &str) -> bool {
    Name::new(member).is_ok_and(|name| category.fields.contains_key(&name))
}

/// How many parts of a path into a record stand in its declaration.
fn declared_parts(category: &Category, path: &[String]) -> usize {
    let Some((first, rest)) = path.split_first() else { return 0 };
    let field = Name::new(first.as_str()).ok().and_then(|name| category.fields.get(&name));
    let Some(field) = field else { return 0 };
    let mut schema = &field.schema;
    for (n, part) in rest.iter().enumerate() {
        let next = match schema.get("properties").and_then(|members| members.get(part)) {
            Some(next) => Some(next),
            None if part.bytes().all(|b| b.is_ascii_digit()) => schema.get("items"),
            None => None,
        };
        let Some(next) = next else { return n + 1 };
        schema = next;
    }
    path.len()
}
