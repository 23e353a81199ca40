//! What a data map must hold to beyond its published schema: bounds of field schemas, references
//! between its parts, and the rules on consent and special categories.

use serde_json::Value;

use super::classification::SpecialRule;
use super::retention::{Calendar, ClockFrom};
use super::violation::pointer;
use super::{
    App, Category, DataMap, Field, IDENTIFIERS, LawfulBasis, Purpose, SpecialGround, is_country,
    schema,
};
use crate::ids::Name;
use crate::problem::{Code, FieldError, Refusal};

/// How deep the schema of a field may nest.
const MAX_SCHEMA_DEPTH: usize = 8;

/// The longest schema of one field, in bytes of compact JSON.
const MAX_SCHEMA: usize = 16 * 1024;

/// The most patterns of a data map: each is compiled and kept in memory.
const MAX_PATTERNS: usize = 200;

const NO_COUNTRY: &str = "must be a country of ISO 3166-1, alpha-2";

/// Checks a data map that fits the published schema.
///
/// # Errors
/// `invalid-data-map` with the places that are wrong.
pub(super) fn check(map: &DataMap) -> Result<(), Refusal> {
    let mut errors = Errors(Vec::new());
    let mut patterns = 0;
    for (name, category) in &map.categories {
        check_category(name, category, &mut patterns, &mut errors);
    }
    for (name, purpose) in &map.purposes {
        check_reads(name, purpose, map, &mut errors);
        check_consent(name, purpose, &mut errors);
    }
    check_app(&map.app, &mut errors);
    let errors = errors.0;
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Refusal { code: Code::InvalidDataMap, detail: None, errors })
    }
}

/// Refuses a category of an app's own under the name of the built-in one.
///
/// # Errors
/// `invalid-data-map` with its place.
pub(super) fn check_reserved(map: &DataMap) -> Result<(), Refusal> {
    if map.categories.keys().all(|name| name.as_str() != IDENTIFIERS) {
        return Ok(());
    }
    let place = pointer(&["categories", IDENTIFIERS]);
    Err(Refusal::new(Code::InvalidDataMap).at(place, "is the name of the built-in category"))
}

/// The places found wrong so far, at most 20.
struct Errors(Vec<FieldError>);

impl Errors {
    fn add(&mut self, path: &[&str], detail: &'static str) {
        if self.0.len() < 20 {
            self.0.push(FieldError { pointer: pointer(path), detail: detail.into() });
        }
    }
}

fn check_category(name: &Name, category: &Category, patterns: &mut usize, errors: &mut Errors) {
    for (field_name, field) in &category.fields {
        let path = ["categories", name.as_str(), "fields", field_name.as_str(), "schema"];
        if let Err(detail) = check_schema(&field.schema, patterns) {
            errors.add(&path, detail);
        }
    }
    let start = &category.clock_start;
    if let (ClockFrom::Field, Some(field)) = (start.from, &start.field)
        && !category.fields.get(field).is_some_and(is_dated)
    {
        errors.add(
            &["categories", name.as_str(), "clock_start", "field"],
            "must be a field of this category whose type is string and format date or date-time",
        );
    }
}

/// Whether every value of a field, when it is not null, is a date.
fn is_dated(field: &Field) -> bool {
    let format = field.schema.get("format").and_then(Value::as_str);
    matches!(format, Some("date" | "date-time"))
        && types(&field.schema).iter().all(|t| ["string", "null"].contains(t))
}

/// The JSON types that a schema of the subset allows.
pub(super) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn check_schema(schema: &Value, patterns: &mut usize) -> Result<(), &'static str> {
    if schema.to_string().len() > MAX_SCHEMA {
        return Err("must be at most 16 KiB of JSON");
    }
    let found = measure(schema, 1)?;
    *patterns += found;
    if found > 0 && *patterns > MAX_PATTERNS {
        return Err("is beyond the 200 patterns that a data map may hold");
    }
    match schema::compile(schema) {
        Some(_) => Ok(()),
        None => Err("holds a pattern that is not valid, too large, or not matched in linear time"),
    }
}

/// Counts the patterns of a schema and bounds its depth.
fn measure(schema: &Value, depth: usize) -> Result<usize, &'static str> {
    if depth > MAX_SCHEMA_DEPTH {
        return Err("must nest at most 8 levels deep");
    }
    let inner = |keyword| schema.get(keyword).filter(|s| s.is_object()).into_iter();
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut patterns = usize::from(schema.get("pattern").is_some());
    for schema in inner("items")
        .chain(inner("additionalProperties"))
        .chain(properties.into_iter().flat_map(|members| members.values()))
    {
        patterns += measure(schema, depth + 1)?;
    }
    Ok(patterns)
}

fn check_reads(name: &Name, purpose: &Purpose, map: &DataMap, errors: &mut Errors) {
    let path = ["purposes", name.as_str(), "reads"];
    for (category_name, reads) in &purpose.reads {
        let path = [path[0], path[1], path[2], category_name.as_str()];
        let Some(known) = map.fields_of(category_name) else {
            errors.add(&path, "is not a category of this data map");
            continue;
        };
        let category = map.categories.get(category_name);
        for field in map.resolve(category_name, reads) {
            if !known.contains(&field) {
                errors.add(&path, "names a field that the category does not have");
            } else if let Some(field) = category.and_then(|category| category.fields.get(&field)) {
                check_special(name, purpose, field, errors);
            }
        }
    }
}

fn check_special(name: &Name, purpose: &Purpose, field: &Field, errors: &mut Errors) {
    let (member, missing, detail) = match field.classification.special_rule() {
        None => return,
        Some(SpecialRule::Article9) => (
            "special_ground",
            purpose.special_ground.is_none(),
            "is required: a field of a special category is read (Art. 9)",
        ),
        Some(SpecialRule::Article10) => (
            "criminal_data_law",
            purpose.criminal_data_law.is_none(),
            "is required: a field on convictions or offences is read (Art. 10)",
        ),
    };
    let place = pointer(&["purposes", name.as_str(), member]);
    if missing && errors.0.iter().all(|e| e.pointer != place) {
        errors.add(&["purposes", name.as_str(), member], detail);
    }
}

fn check_consent(name: &Name, purpose: &Purpose, errors: &mut Errors) {
    let consent = purpose.lawful_basis == LawfulBasis::Consent;
    let mut add = |member, detail| errors.add(&["purposes", name.as_str(), member], detail);
    if consent && purpose.notice.is_none() {
        add("notice", "is required: consent is given under a notice");
    }
    if !consent && purpose.consent_validity.is_some() {
        add("consent_validity", "is only for purposes whose lawful basis is consent");
    }
    if !consent && purpose.special_ground == Some(SpecialGround::ExplicitConsent) {
        add("special_ground", "explicit_consent needs the lawful basis consent");
    }
}

fn check_app(app: &App, errors: &mut Errors) {
    if Calendar::new(&app.time_zone, None).is_none() {
        errors.add(&["app", "time_zone"], "must be the name of an IANA time zone");
    }
    if Calendar::new("UTC", app.financial_year_end.as_deref()).is_none() {
        errors.add(&["app", "financial_year_end"], "must be a day of the year, MM-DD");
    }
    if !is_country(&app.country) {
        errors.add(&["app", "country"], NO_COUNTRY);
    }
    for (n, recipient) in app.recipients.iter().enumerate() {
        let n = n.to_string();
        if app.recipients.iter().filter(|other| other.name == recipient.name).count() > 1 {
            errors.add(&["app", "recipients", &n, "name"], "is the name of another recipient too");
        }
        if recipient.country.as_deref().is_some_and(|country| !is_country(country)) {
            errors.add(&["app", "recipients", &n, "country"], NO_COUNTRY);
        }
    }
    for (n, transfer) in app.transfers.iter().enumerate() {
        let n = n.to_string();
        if !is_country(&transfer.country) {
            errors.add(&["app", "transfers", &n, "country"], NO_COUNTRY);
        }
        if let Some(name) = &transfer.recipient
            && app.recipients.iter().all(|recipient| recipient.name != *name)
        {
            errors.add(&["app", "transfers", &n, "recipient"], "is not the name of a recipient");
        }
    }
}
