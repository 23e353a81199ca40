//! Reads of many people: the values are in the answers that ask for them, and nowhere else.

use oubli_tests::raw::{self, Place};
use oubli_tests::{Caller, data_map, merge};
use reqwest::Method;
use serde_json::json;

use super::{ASTRAY, EMAIL, EXTERNAL, NAME, PHONE, Told, identifier};

/// Reads a person by every identifier and in a list of all, and sends data where it does not belong.
pub(super) async fn read_many(told: &mut Told, shop: &Caller, subject: &str) {
    let reads = json!({ "purposes": { "delivery": { "reads": { "identifiers": ["*"] } } } });
    told.json(shop, Method::PUT, "/data-map", &merge(data_map(), &reads)).await;
    for (kind, value) in [("email", EMAIL), ("phone", PHONE), ("external_id", EXTERNAL)] {
        let asked = json!({
            "purpose": "delivery", "categories": ["profile", "identifiers"],
            "items": [{ "identifier": identifier(kind, value) }],
        });
        let seen = shop.post("/records:read", &asked).await.expect_status(200);
        let listed = shop.get("/purposes/delivery/subjects").await.expect_status(200);
        for (what, bytes) in [("a read", seen.bytes), ("a list", listed.bytes)] {
            let places: Vec<Place> = vec![(what.to_owned(), bytes)];
            for canary in [NAME, EMAIL, EXTERNAL] {
                assert!(!raw::find(canary, &places).is_empty(), "{canary} is not in {what}");
            }
        }
        let bad = merge(asked, &json!({ "purpose": "newsletter" }));
        told.by("a read", shop.request(Method::POST, "/records:read").json(&bad)).await;
    }
    for bad in [
        json!({ "purpose": ASTRAY, "categories": [NAME], "items": [{ "subject": EMAIL }] }),
        json!({ "purpose": "delivery", "categories": ["profile"], "cursor": ASTRAY,
                "items": [{ "identifier": identifier("email", EMAIL) }] }),
        json!({ "purpose": "delivery", "categories": ["profile"], ASTRAY: NAME,
                "items": [{ "identifier": identifier("email", NAME) }] }),
    ] {
        let request = shop.request(Method::POST, "/records:read").json(&bad);
        let reply = told.by("a bad read", request).await;
        assert!(reply.status >= 400, "{}", reply.body);
    }
    let unknown = json!({ "purpose": "delivery", "categories": ["profile"],
                          "items": [{ "identifier": identifier("email", ASTRAY) }] });
    told.json(shop, Method::POST, "/records:read", &unknown).await;
    let contacts = format!("/subjects/{subject}/contacts");
    told.json(shop, Method::POST, &contacts, &json!({})).await;
    let bad = shop.request(Method::POST, &contacts).json(&json!({ "at": ASTRAY }));
    told.by("a bad contact", bad).await.expect_status(422);
    let end = format!("/subjects/{subject}/purposes/delivery/end");
    told.by("an end", shop.request(Method::PUT, &end)).await.expect_status(200);
    told.by("no end", shop.request(Method::DELETE, &end)).await.expect_status(204);
    let standings = format!("/subjects/{subject}/purposes");
    told.by("the purposes", shop.request(Method::GET, &standings)).await.expect_status(200);
}
