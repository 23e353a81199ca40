#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oubli_domain::{Code, RecordId, SubjectId};
use oubli_store::StoreError;
use oubli_store::records::{self as stored, StoredRecord};
use serde_json::{Value, json};

use super::{
    BatchItem, BatchResult, RecordKey, delete, get, open_fields, patch, put, put_batch, versions,
};
use crate::data_map;
use crate::data_map::tests::{name, opened, shop, somebody};
use crate::subjects::SubjectSelector;
use crate::testing::{self, refused};
use crate::{Call, Oubli};

fn profile(subject: SubjectId) -> RecordKey {
    RecordKey { subject, category: name("profile"), record: RecordId::new("main").unwrap() }
}

/// [`shop`] without the field `age` and the purpose that reads it.
fn without_age() -> Value {
    let mut map = shop();
    map["categories"]["profile"]["fields"].as_object_mut().unwrap().shift_remove("age");
    map["purposes"].as_object_mut().unwrap().shift_remove("advice");
    map
}

async fn row(oubli: &Oubli, call: &Call, key: &RecordKey) -> StoredRecord {
    let mut conn = oubli.data().conn().await.unwrap();
    stored::get(&mut conn, &call.caller.app, key).await.unwrap().unwrap()
}

/// Every stored member, declared or not.
async fn body(oubli: &Oubli, call: &Call, key: &RecordKey) -> Value {
    let row = row(oubli, call, key).await;
    let data_key = oubli.keyring().data_key(&call.caller.app, key.subject).await.unwrap();
    Value::Object(open_fields(&data_key, &row, |_| true).unwrap())
}

#[tokio::test]
async fn a_field_that_was_taken_out_stays_stored_through_patches() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    let key = profile(somebody(&oubli, &call).await);
    put(&oubli, &call, &key, json!({"name": "Ada", "age": 36}), None).await.unwrap();
    data_map::put(&oubli, &call, without_age()).await.unwrap();

    patch(&oubli, &call, &key, json!({"name": "Ada L."}), None).await.unwrap();
    assert_eq!(body(&oubli, &call, &key).await, json!({"name": "Ada L.", "age": 36}));
    let read = get(&oubli, &call.caller, &key, &name("fulfil")).await.unwrap();
    assert_eq!(Value::Object(read.body), json!({"name": "Ada L."}), "no purpose reads it");

    let set = patch(&oubli, &call, &key, json!({"age": 37}), None).await;
    assert_eq!(refused(set), Code::InvalidRecord);
    patch(&oubli, &call, &key, json!({"age": null}), None).await.unwrap();
    assert_eq!(body(&oubli, &call, &key).await, json!({"name": "Ada L."}));
    let changed: Vec<_> = versions(&oubli, &call.caller, &key, 1, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|version| version.changed)
        .collect();
    assert_eq!(changed, [[name("name")], [name("age")]]);
}

#[tokio::test]
async fn a_put_and_a_deletion_take_what_was_taken_out_along() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    let key = profile(somebody(&oubli, &call).await);
    put(&oubli, &call, &key, json!({"name": "Ada", "age": 36}), None).await.unwrap();
    data_map::put(&oubli, &call, without_age()).await.unwrap();
    put(&oubli, &call, &key, json!({"name": "Bob"}), None).await.unwrap();
    assert_eq!(body(&oubli, &call, &key).await, json!({"name": "Bob"}));
    delete(&oubli, &call, &key, None).await.unwrap();
    assert_eq!(refused(patch(&oubli, &call, &key, json!({}), None).await), Code::RecordNotFound);
}

#[tokio::test]
async fn what_another_data_map_allowed_is_not_written() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    let key = profile(somebody(&oubli, &call).await);
    put(&oubli, &call, &key, json!({"name": "Ada"}), None).await.unwrap();
    data_map::put(&oubli, &call, without_age()).await.unwrap();
    let record = StoredRecord { version: 2, ..row(&oubli, &call, &key).await };
    let write = |map| {
        let (app, record) = (call.caller.app.clone(), record.clone());
        oubli.data().write("test", move |tx| {
            let (app, record) = (app.clone(), record.clone());
            Box::pin(async move { stored::update(tx, &app, &record, map).await })
        })
    };
    assert!(matches!(write(1).await, Err(StoreError::Stale)));
    write(2).await.unwrap();
}

fn item(subject: SubjectId, record: &str, body: Value) -> BatchItem {
    BatchItem {
        subject: SubjectSelector::Id(subject),
        category: name("profile"),
        record: RecordId::new(record).unwrap(),
        body,
        if_match: None,
    }
}

#[tokio::test]
async fn a_batch_spans_snapshots_and_keeps_the_order_of_its_items() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    // The later subject comes first: what is applied in another order is answered in this one.
    let (ada, bob) = (somebody(&oubli, &call).await, somebody(&oubli, &call).await);
    let nobody = SubjectId::fresh(oubli.now());
    let mut items: Vec<_> =
        (0..120).map(|n| item(bob, &format!("r{n}"), json!({"age": n}))).collect();
    items.push(item(nobody, "main", json!({"age": 1})));
    items.push(item(ada, "main", json!({"age": "old"})));
    items.push(item(ada, "other", json!({"age": 2})));
    for version in [1, 2] {
        let results = put_batch(&oubli, &call, items.clone()).await.unwrap();
        let told = |result: &BatchResult| match result {
            BatchResult::Put { written } => Ok(written.version),
            BatchResult::Refused { problem, .. } => Err(problem.clone()),
        };
        let told: Vec<_> = results.iter().map(told).collect();
        assert_eq!(told[..120], vec![Ok(version); 120]);
        let slug = |code: Code| Err(code.slug().to_owned());
        let rest = [slug(Code::SubjectNotFound), slug(Code::InvalidRecord), Ok(version)];
        assert_eq!(told[120..], rest);
    }
    let twice = vec![item(ada, "x", json!({})), item(ada, "x", json!({}))];
    assert_eq!(refused(put_batch(&oubli, &call, twice).await), Code::InvalidBody);
}

#[tokio::test]
async fn debug_shows_no_values() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = opened(&oubli).await;
    let key = profile(somebody(&oubli, &call).await);
    put(&oubli, &call, &key, json!({"name": "Lovelace"}), None).await.unwrap();
    let read = get(&oubli, &call.caller, &key, &name("fulfil")).await.unwrap();
    let item = item(key.subject, "main", json!({"name": "Lovelace"}));
    let shown = format!("{read:?} {item:?}");
    assert!(shown.contains("version: 1") && !shown.contains("Lovelace"), "{shown}");
}
