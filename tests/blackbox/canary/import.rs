//! Personal data by imports: in lines good and bad, and in the callers' own ids.

use oubli_tests::Caller;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ADDRESS, ASTRAY, ASTRAY_PLAIN, CITY, EMAIL, INVOICE, NAME, PHONE, Told, identifier};
use crate::processes::installation::Installation;

fn lines() -> Vec<Value> {
    let by = identifier("email", EMAIL);
    let body = json!({ "name": NAME, "city": CITY });
    let bill = json!({ "date": "2026-03-01", "address": INVOICE });
    let record = |id: &str, category: &str, body: &Value| {
        json!({
            "type": "record", "id": id, "subject": ASTRAY_PLAIN, "category": category,
            "record": "main", "body": body,
        })
    };
    vec![
        json!({ "type": "subject", "id": "known", "identifiers": [by, identifier("phone", PHONE)] }),
        json!({ "type": "subject", "id": ASTRAY_PLAIN, "identifiers": [] }),
        record(ASTRAY_PLAIN, "profile", &body),
        record("bill", "invoice", &bill),
        // All of these are refused.
        record(ASTRAY_PLAIN, "profile", &json!({ ASTRAY: ADDRESS })),
        record("bad", "profile", &json!({ ASTRAY: NAME })),
        json!({ "type": "subject", "id": ASTRAY, "identifiers": [] }),
        json!({ "type": ASTRAY_PLAIN, ASTRAY: NAME }),
        json!({ "type": "consent", "id": ASTRAY_PLAIN, "identifier": identifier("email", ASTRAY),
            "purpose": "newsletter", "action": "refused", "occurred_at": ASTRAY }),
    ]
}

/// Imports by HTTP and by the command line. The file and its rejects are the operator's own: they
/// lie elsewhere, and the output of the command is looked at.
pub(super) async fn bring(told: &mut Told, shop: &Caller, place: &Installation) {
    let reply = told.json(shop, Method::POST, "/import", &json!({ "lines": lines() })).await;
    let results: Vec<&str> =
        (0..9).map(|n| reply.body["lines"][n]["result"].as_str().unwrap()).collect();
    assert_eq!(results[..4], ["imported"; 4], "{}", reply.body);
    assert_eq!(results[4..], ["refused"; 5], "{}", reply.body);

    let elsewhere = tempfile::tempdir().unwrap();
    let path = |name: &str| elsewhere.path().join(name).to_str().unwrap().to_owned();
    let text = lines().iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat();
    std::fs::write(path("people.ndjson"), text).unwrap();
    let log = ["--log", "trace"];
    let import = ["import", "--app", "shop", "--rejects", &path("rejects"), &path("people.ndjson")];
    let ended = place.run(&[&import[..], &log].concat()).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let export = ["export", "--app", "shop", &path("shop.ndjson")];
    let exported = place.run(&[&export[..], &log].concat()).await.succeeds();
    for output in [ended, exported] {
        let output = [output.stdout, output.stderr].concat();
        told.0.push(("the output of a command".to_owned(), output.into_bytes()));
    }
}
