//! The records of processing activities (Art. 30), made from the data map.

use std::collections::BTreeSet;

use super::{
    Classification, DataMap, LawfulBasis, Party, Period, Purpose, SpecialGround, Transfer,
};
use crate::ids::Name;

/// The register of one app.
#[derive(Clone, PartialEq, Debug)]
pub struct Register {
    /// Art. 30(1)(a): the controller.
    pub controller: Party,
    /// Art. 30(1)(a): its representative.
    pub representative: Option<Party>,
    /// Art. 30(1)(a): its data protection officer.
    pub dpo_contact: Option<Party>,
    /// One for each purpose.
    pub activities: Vec<Activity>,
    /// What is processed on the controller's behalf.
    pub on_behalf: OnBehalf,
    /// What the article asks for and the data map does not say.
    pub missing: Vec<Missing>,
}

/// A processing activity of the controller (Art. 30(1)).
#[derive(Clone, PartialEq, Debug)]
pub struct Activity {
    /// (b): the purpose's name.
    pub purpose: Name,
    /// (b): the purpose for people.
    pub title: String,
    /// (b): more of it.
    pub description: Option<String>,
    /// What makes it lawful (Art. 6(1)). Not asked for by the article, but by every authority.
    pub lawful_basis: LawfulBasis,
    /// What lifts the ban of Art. 9.
    pub special_ground: Option<SpecialGround>,
    /// (c): whom the data is about.
    pub subject_kinds: Vec<String>,
    /// (c) and (f): the data that it reads, and how long each is kept.
    pub data: Vec<ActivityData>,
    /// (d): to whom data is disclosed, by title.
    pub recipients: Vec<String>,
    /// (e): transfers to third countries, with their safeguards.
    pub transfers: Vec<Transfer>,
    /// (g): how the data is protected.
    pub security_measures: Vec<String>,
}

/// What an activity reads of one category.
#[derive(Clone, PartialEq, Debug)]
pub struct ActivityData {
    /// Its name.
    pub category: Name,
    /// For people.
    pub title: String,
    /// (c): the kinds of personal data in it.
    pub kinds: BTreeSet<Classification>,
    /// (f): the declared time limit; none when the data map has none.
    pub kept_for: Option<Period>,
    /// Whether it is the built-in category, which is kept as long as the person is.
    pub built_in: bool,
}

/// What the operator of the service does on behalf of the controller (Art. 30(2)).
#[derive(Clone, PartialEq, Debug)]
pub struct OnBehalf {
    /// (a): the controller on whose behalf.
    pub controller: Party,
    /// (a): the controller's representative.
    pub representative: Option<Party>,
    /// (b): the categories of processing: what the service does with any app's data.
    pub processing: Vec<&'static str>,
    /// (c): transfers to third countries, with their safeguards.
    pub transfers: Vec<Transfer>,
    /// (d): how the data is protected.
    pub security_measures: Vec<String>,
}

/// Something that the data map does not say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Missing {
    /// Where it is asked for, such as `30(1)(f)`.
    pub letter: &'static str,
    /// What is missing.
    pub what: String,
}

/// What the service does with any app's data.
const PROCESSING: [&str; 4] = [
    "storage of records and identifiers under a key of each person's own",
    "disclosure of fields to the app's programs for a declared purpose",
    "recording and checking of consents",
    "export and erasure on request",
];

/// The register that a data map gives.
#[must_use]
pub fn register(map: &DataMap) -> Register {
    let app = &map.app;
    Register {
        controller: app.controller.clone(),
        representative: app.representative.clone(),
        dpo_contact: app.dpo_contact.clone(),
        activities: map.purposes.iter().map(|(name, p)| activity(map, name, p)).collect(),
        on_behalf: OnBehalf {
            controller: app.controller.clone(),
            representative: app.representative.clone(),
            processing: PROCESSING.to_vec(),
            transfers: app.transfers.clone(),
            security_measures: app.security_measures.clone(),
        },
        missing: missing(map),
    }
}

fn activity(map: &DataMap, name: &Name, purpose: &Purpose) -> Activity {
    let app = &map.app;
    Activity {
        purpose: name.clone(),
        title: purpose.title.clone(),
        description: purpose.description.clone(),
        lawful_basis: purpose.lawful_basis,
        special_ground: purpose.special_ground,
        subject_kinds: app.subject_kinds.clone(),
        data: data(map, purpose),
        recipients: app.recipients.iter().map(|r| r.title.clone()).collect(),
        transfers: app.transfers.clone(),
        security_measures: app.security_measures.clone(),
    }
}

fn data(map: &DataMap, purpose: &Purpose) -> Vec<ActivityData> {
    let reads = purpose.reads.iter().filter_map(|(name, reads)| {
        let category = map.category(name)?;
        let fields = map.resolve(name, reads);
        let fields = fields.iter().filter_map(|field| category.fields.get(field));
        Some(ActivityData {
            category: name.clone(),
            title: category.title.clone(),
            kinds: fields.map(|field| field.classification).collect(),
            kept_for: category.duration,
            built_in: map.is_built_in(name),
        })
    });
    reads.collect()
}

fn missing(map: &DataMap) -> Vec<Missing> {
    let app = &map.app;
    let mut missing = Vec::new();
    let mut add = |letter, what: String| missing.push(Missing { letter, what });
    if app.controller.address.is_none() && app.controller.email.is_none() {
        add("30(1)(a)", "the contact details of the controller".to_owned());
    }
    if app.dpo_contact.is_none() {
        add("30(1)(a)", "the data protection officer, where one is designated".to_owned());
    }
    for (name, _) in map.categories.iter().filter(|(_, c)| c.duration.is_none()) {
        add("30(1)(f)", format!("how long the category {name} is kept"));
    }
    if app.security_measures.is_empty() {
        add("30(1)(g)", "the security measures".to_owned());
    }
    add("30(2)(a)", "who operates this service as a processor: a data map does not say".to_owned());
    add(
        "30(2)",
        "whether the app's organisation is itself a processor for others: a data map names one \
         controller"
            .to_owned(),
    );
    missing
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::{Value, json};

    use super::register;
    use crate::DataMap;

    /// The letters of Article 30 under which something is missing, but for what no data map says.
    fn missing(app: &Value, duration: Option<&str>) -> Vec<&'static str> {
        let mut category = json!({
            "title": "Profile", "clock_start": {"from": "created"}, "duration": duration,
            "fields": {"name": {
                "schema": {"type": "string"}, "classification": "name", "origin": "provided",
            }},
        });
        category.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let map = json!({ "categories": {"profile": category}, "purposes": {}, "app": app });
        let register = register(&DataMap::parse(map).unwrap());
        let letters = register.missing.iter().map(|missing| missing.letter);
        letters.filter(|letter| !letter.starts_with("30(2)")).collect()
    }

    #[test]
    fn what_article_30_asks_for_and_nobody_said_is_missing() {
        let mut app = json!({
            "controller": {"name": "Shop Ltd", "email": "privacy@shop.example"},
            "dpo_contact": {"name": "The DPO", "email": "dpo@shop.example"},
            "security_measures": ["Encryption"],
            "subject_kinds": ["customers"], "time_zone": "Europe/Paris", "country": "FR",
        });
        assert_eq!(missing(&app, Some("P1Y")), [""; 0]);
        assert_eq!(missing(&app, None), ["30(1)(f)"]);
        app["controller"] = json!({"name": "Shop Ltd", "address": "1 Rue"});
        assert_eq!(missing(&app, Some("P1Y")), [""; 0], "an address is enough");
        app["controller"] = json!({"name": "Shop Ltd"});
        app.as_object_mut()
            .unwrap()
            .retain(|name, _| !["dpo_contact", "security_measures"].contains(&name.as_str()));
        assert_eq!(missing(&app, Some("P1Y")), ["30(1)(a)", "30(1)(a)", "30(1)(g)"]);
    }
}
