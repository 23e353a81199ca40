#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use oubli_domain::{AppId, Code, Name, RecordId, SubjectId};
use serde_json::{Value, json};

use super::{get, list, put};
use crate::records::{self, RecordKey};
use crate::testing::{self, refused};
use crate::{Call, Caller, Oubli, purposes, subjects};

/// A small shop: two purposes that rest on consent, one with a validity, and a contract.
pub(crate) fn shop() -> Value {
    json!({
        "categories": {
            "profile": {
                "title": "Profile",
                "clock_start": {"from": "created"},
                "fields": {
                    "name": {"schema": {"type": "string"}, "classification": "name",
                             "origin": "provided"},
                    "age": {"schema": {"type": "integer"}, "classification": "other",
                            "origin": "provided"},
                },
            },
        },
        "purposes": {
            "fulfil": {"title": "Fulfil orders", "lawful_basis": "contract",
                       "reads": {"profile": ["*"]}},
            "newsletter": {"title": "Newsletter", "lawful_basis": "consent", "notice": "news",
                           "direct_marketing": true, "consent_validity": "P1Y",
                           "reads": {"profile": ["name"]}},
            "advice": {"title": "Advice", "lawful_basis": "consent", "notice": "advice",
                       "reads": {"profile": ["age"]}},
        },
        "app": {
            "controller": {"name": "Shop Ltd", "email": "privacy@shop.example"},
            "subject_kinds": ["customers"],
            "time_zone": "Europe/Berlin",
            "country": "DE",
        },
    })
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// An app with [`shop`] in force, and a call of the service.
pub(crate) async fn opened(oubli: &Oubli) -> Call {
    let app: AppId = testing::app(oubli, "shop").await;
    let call = Call::system(app);
    put(oubli, &call, shop()).await.unwrap();
    call
}

/// A new subject without identifiers.
pub(crate) async fn somebody(oubli: &Oubli, call: &Call) -> SubjectId {
    subjects::create(oubli, call, Vec::new()).await.unwrap().subject
}

async fn store(oubli: &Oubli, call: &Call, id: &str, body: Value) {
    let subject = somebody(oubli, call).await;
    let record = RecordId::new(id).unwrap();
    let key = RecordKey { subject, category: name("profile"), record };
    records::put(oubli, call, &key, body, None).await.unwrap();
}

fn with_type(field: &str, kind: &str) -> Value {
    let mut map = shop();
    map["categories"]["profile"]["fields"][field]["schema"]["type"] = json!(kind);
    map
}

#[tokio::test]
async fn versions_count_up_and_an_equal_map_makes_none() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = Call::system(testing::app(&oubli, "shop").await);
    assert_eq!(refused(get(&oubli, &call.caller, None).await), Code::DataMapNotFound);
    let first = put(&oubli, &call, shop()).await.unwrap();
    assert_eq!((first.version, first.changed), (1, true));
    // Other order of members, same map.
    let mut members = shop().as_object().unwrap().clone();
    let purposes = members.shift_remove("purposes").unwrap();
    members.insert("purposes".to_owned(), purposes);
    let again = put(&oubli, &call, Value::Object(members)).await.unwrap();
    assert_eq!((again.version, again.changed), (1, false));
    assert_eq!(again.digest, first.digest);
    let second = put(&oubli, &call, with_type("age", "number")).await.unwrap();
    assert_eq!((second.version, second.changed), (2, true));

    let current = get(&oubli, &call.caller, None).await.unwrap();
    assert_eq!((current.info.version, &current.info.digest), (2, &second.digest));
    assert_eq!(get(&oubli, &call.caller, Some(1)).await.unwrap().document, shop());
    assert_eq!(refused(get(&oubli, &call.caller, Some(3)).await), Code::DataMapNotFound);
    let versions: Vec<i64> =
        list(&oubli, &call.caller, 0, 10).await.unwrap().iter().map(|v| v.version).collect();
    assert_eq!(versions, [1, 2]);
    assert_eq!(list(&oubli, &call.caller, 1, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_wrong_map_changes_nothing() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    let mut wrong = shop();
    wrong["purposes"]["newsletter"]["reads"] = json!({"nothing": ["*"]});
    assert_eq!(refused(put(&oubli, &call, wrong).await), Code::InvalidDataMap);
    assert_eq!(get(&oubli, &call.caller, None).await.unwrap().info.version, 1);
    let stranger = Caller { app: AppId::new("other").unwrap(), actor: call.caller.actor.clone() };
    assert_eq!(refused(get(&oubli, &stranger, None).await), Code::AppNotFound);
}

#[tokio::test]
async fn the_type_of_a_stored_field_stays() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    store(&oubli, &call, "a", json!({"name": "Ada", "age": 36})).await;
    store(&oubli, &call, "b", json!({"name": "Bob"})).await;
    store(&oubli, &call, "c", json!({"age": 40})).await;
    let refusal = put(&oubli, &call, with_type("age", "string")).await.unwrap_err().refusal();
    assert_eq!(refusal.code, Code::StoredFieldType);
    assert_eq!(refusal.errors.len(), 1);
    assert_eq!(refusal.errors[0].pointer, "/categories/profile/fields/age/schema/type");
    assert!(refusal.errors[0].detail.starts_with("2 records"), "{:?}", refusal.errors);
    put(&oubli, &call, with_type("age", "number")).await.unwrap();
}

#[tokio::test]
async fn a_field_that_comes_back_has_the_type_it_had() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    store(&oubli, &call, "a", json!({"age": 36})).await;
    let mut without = shop();
    without["categories"]["profile"]["fields"].as_object_mut().unwrap().shift_remove("age");
    without["purposes"].as_object_mut().unwrap().shift_remove("advice");
    put(&oubli, &call, without).await.unwrap();
    let changed = put(&oubli, &call, with_type("age", "string")).await;
    assert_eq!(refused(changed), Code::StoredFieldType);
    put(&oubli, &call, shop()).await.unwrap();
}

#[tokio::test]
async fn puts_at_once_all_count() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    let puts = (0..5).map(|n| {
        let (oubli, call) = (Arc::clone(&oubli), call.clone());
        async move {
            let mut map = shop();
            map["categories"]["profile"]["title"] = json!(format!("Profile {n}"));
            put(&oubli, &call, map).await.unwrap().version
        }
    });
    let mut versions = futures_util::future::join_all(puts).await;
    versions.sort_unstable();
    assert_eq!(versions, [2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn purposes_are_those_in_force() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    let all = purposes::list(&oubli, &call.caller).await.unwrap();
    let names: Vec<&str> = all.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["advice", "fulfil", "newsletter"]);
    let fulfil = purposes::get(&oubli, &call.caller, &name("fulfil")).await.unwrap();
    assert_eq!(fulfil.fields[&name("profile")].len(), 2, "the star is resolved");
    assert_eq!(fulfil.notice_version, None);
    let gone = purposes::get(&oubli, &call.caller, &name("gone")).await;
    assert_eq!(refused(gone), Code::PurposeNotFound);
}
