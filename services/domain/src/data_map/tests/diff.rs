use serde_json::{Value, json};

use crate::DataMap;
use crate::data_map::diff::{Change, ChangeKind, Effect, Part, Reach, diff};
use crate::identifier::IdentifierType;
use crate::ids::Name;

fn shop() -> Value {
    json!({
        "categories": { "profile": {
            "title": "Profile", "clock_start": {"from": "created"}, "duration": "P1Y",
            "fields": {
                "name": {"schema": {"type": "string"}, "classification": "name", "origin": "provided"},
                "age": {"schema": {"type": "integer"}, "classification": "age", "origin": "provided"},
            },
        }},
        "purposes": {
            "news": {"title": "News", "lawful_basis": "consent", "notice": "news",
                     "consent_validity": "P2Y", "reads": {"profile": ["name"]}},
            "all": {"title": "All", "lawful_basis": "contract", "reads": {"profile": ["*"]}},
        },
        "app": {
            "controller": {"name": "Shop Ltd"}, "subject_kinds": ["customers"],
            "recipients": [{"name": "mailer", "title": "Mail Inc"}],
            "time_zone": "Europe/Paris", "country": "FR",
        },
    })
}

fn changed(change: impl FnOnce(&mut Value)) -> Vec<Change> {
    let mut after = shop();
    change(&mut after);
    diff(&DataMap::parse(shop()).unwrap(), &DataMap::parse(after).unwrap())
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[track_caller]
fn expect_one(
    changes: &[Change],
    part: Part,
    kind: ChangeKind,
    pointer: &str,
    effect: Effect,
) -> Option<Reach> {
    let found: Vec<_> = changes
        .iter()
        .filter(|c| c.part == part && c.kind == kind && c.pointer == pointer)
        .flat_map(|c| &c.meanings)
        .filter(|meaning| meaning.effect == effect)
        .collect();
    assert_eq!(found.len(), 1, "{changes:?}");
    found[0].reach.clone()
}

#[test]
fn equal_maps_have_no_changes() {
    assert_eq!(changed(|_| ()), []);
}

#[test]
fn a_field_that_is_taken_out_stays_stored_and_unread() {
    let changes = changed(|map| {
        map["categories"]["profile"]["fields"].as_object_mut().unwrap().shift_remove("age");
    });
    let holding = Some(Reach::Holding(name("profile"), name("age")));
    let pointer = "/categories/profile/fields/age";
    let reach =
        expect_one(&changes, Part::Field, ChangeKind::Removed, pointer, Effect::StaysUnread);
    assert_eq!(reach, holding);
    let pointer = "/purposes/all/reads/profile";
    let reach = expect_one(&changes, Part::Read, ChangeKind::Removed, pointer, Effect::ReadsNoMore);
    assert_eq!(reach, holding);
}

#[test]
fn a_purpose_that_reads_more_reads_earlier_values() {
    let changes =
        changed(|map| map["purposes"]["news"]["reads"]["profile"] = json!(["name", "age"]));
    assert_eq!(changes.len(), 1);
    let pointer = "/purposes/news/reads/profile";
    expect_one(&changes, Part::Read, ChangeKind::Added, pointer, Effect::ReadsEarlier);
    assert_eq!(changes[0].to, Some(json!("age")));
}

#[test]
fn consents_expire_earlier_or_later() {
    for (validity, effect) in [("P18M", Effect::ExpiresEarlier), ("P30M", Effect::ExpiresLater)] {
        let changes = changed(|map| map["purposes"]["news"]["consent_validity"] = json!(validity));
        let pointer = "/purposes/news/consent_validity";
        let reach = expect_one(&changes, Part::Purpose, ChangeKind::Changed, pointer, effect);
        assert_eq!(reach, Some(Reach::Grants(name("news"))));
    }
    let changes = changed(|map| {
        map["purposes"]["news"].as_object_mut().unwrap().shift_remove("consent_validity");
    });
    let pointer = "/purposes/news/consent_validity";
    expect_one(&changes, Part::Purpose, ChangeKind::Removed, pointer, Effect::ExpiresLater);
}

#[test]
fn a_validity_that_ends_some_consents_earlier_is_shorter() {
    let (earlier, later) = (Effect::ExpiresEarlier, Effect::ExpiresLater);
    for (from, to, effect) in [
        // Years have 365 days or one more, months 28 to 31.
        ("P1Y", "P365D", earlier),
        ("P365D", "P1Y", later),
        ("P366D", "P1Y", earlier),
        ("P1Y", "P366D", later),
        ("P31D", "P1M", earlier),
        ("P1M", "P31D", later),
        ("P1M", "P28D", earlier),
        ("P28D", "P1M", later),
    ] {
        let of = |validity| {
            let mut map = shop();
            map["purposes"]["news"]["consent_validity"] = json!(validity);
            DataMap::parse(map).unwrap()
        };
        let changes = diff(&of(from), &of(to));
        let pointer = "/purposes/news/consent_validity";
        expect_one(&changes, Part::Purpose, ChangeKind::Changed, pointer, effect);
    }
}

#[test]
fn without_consent_no_grant_hangs_on_notice_or_validity() {
    let changes = changed(|map| {
        let news = map["purposes"]["news"].as_object_mut().unwrap();
        news.shift_remove("notice");
        news.shift_remove("consent_validity");
        news["lawful_basis"] = json!("contract");
    });
    let meaning: Vec<_> = changes.iter().flat_map(|c| &c.meanings).map(|m| m.effect).collect();
    assert_eq!((changes.len(), meaning), (3, vec![Effect::BasisChanged]));
}

#[test]
fn another_clock_start_counts_for_what_is_written() {
    let changes = changed(|map| {
        map["categories"]["profile"]["clock_start"] = json!({"from": "last_contact"});
    });
    let pointer = "/categories/profile/clock_start";
    let effect = Effect::ClockWhenWritten;
    let reach = expect_one(&changes, Part::Category, ChangeKind::Changed, pointer, effect);
    assert_eq!(reach, Some(Reach::Records(name("profile"))));
}

#[test]
fn a_field_with_the_name_of_an_identifier_is_a_field() {
    let email = json!({
        "schema": {"type": "string"}, "classification": "email_address", "origin": "provided",
    });
    let changes = changed(|map| map["categories"]["profile"]["fields"]["email"] = email);
    let pointer = "/purposes/all/reads/profile";
    let reach = expect_one(&changes, Part::Read, ChangeKind::Added, pointer, Effect::ReadsEarlier);
    assert_eq!(reach, Some(Reach::Holding(name("profile"), name("email"))));
}

#[test]
fn a_validity_in_other_words_and_another_notice_say_what_they_mean() {
    let changes = changed(|map| map["purposes"]["news"]["consent_validity"] = json!("P24M"));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].meanings, [], "two years are 24 months");
    let changes = changed(|map| map["purposes"]["news"]["notice"] = json!("other"));
    let pointer = "/purposes/news/notice";
    let effect = Effect::NoticeChanged;
    let reach = expect_one(&changes, Part::Purpose, ChangeKind::Changed, pointer, effect);
    assert_eq!(reach, Some(Reach::Grants(name("news"))));
}

#[test]
fn every_transfer_counts_also_to_one_place() {
    let transfer = |safeguard| json!({"country": "US", "safeguard": safeguard});
    let two = json!([transfer("SCC"), transfer("BCR")]);
    let changes = changed(|map| map["app"]["transfers"] = two);
    let added: Vec<_> = changes.iter().filter(|c| c.part == Part::Transfer).collect();
    assert_eq!(added.len(), 2, "{changes:?}");
    assert!(added.iter().all(|c| c.kind == ChangeKind::Added));
}

#[test]
fn reading_the_built_in_category_reaches_identifiers() {
    let changes = changed(|map| map["purposes"]["news"]["reads"]["identifiers"] = json!(["email"]));
    let pointer = "/purposes/news/reads/identifiers";
    let reach = expect_one(&changes, Part::Read, ChangeKind::Added, pointer, Effect::ReadsEarlier);
    assert_eq!(reach, Some(Reach::Identifiers(IdentifierType::Email)));
}

#[test]
fn types_durations_bases_and_disclosures_say_what_they_mean() {
    let field = "/categories/profile/fields/age/schema";
    for (schema, effect) in [
        (json!({"type": "string"}), Effect::RefusedWhenStored),
        (json!({"type": "integer", "minimum": 18}), Effect::CheckedWhenWritten),
    ] {
        let changes =
            changed(|map| map["categories"]["profile"]["fields"]["age"]["schema"] = schema);
        expect_one(&changes, Part::Field, ChangeKind::Changed, field, effect);
    }
    let changes = changed(|map| {
        map["categories"]["profile"]["duration"] = json!("P3Y");
        map["purposes"]["all"]["lawful_basis"] = json!("legal_obligation");
        map["app"]["recipients"][0]["title"] = json!("Post Inc");
        map["app"]["transfers"] =
            json!([{"country": "US", "recipient": "mailer", "safeguard": "SCC"}]);
        map["app"]["controller"]["name"] = json!("Shop AG");
    });
    assert_eq!(changes.len(), 5, "{changes:?}");
    let duration = "/categories/profile/duration";
    expect_one(&changes, Part::Category, ChangeKind::Changed, duration, Effect::NothingErased);
    let basis = "/purposes/all/lawful_basis";
    expect_one(&changes, Part::Purpose, ChangeKind::Changed, basis, Effect::BasisChanged);
    let transfers = "/app/transfers";
    expect_one(&changes, Part::Transfer, ChangeKind::Added, transfers, Effect::TellPeople);
    assert!(changes.iter().any(|c| c.pointer == "/app/controller" && c.part == Part::App));
}
