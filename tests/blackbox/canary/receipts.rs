//! Privacy signals: what a person chose is in the answers that ask for it, and nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oubli_tests::{Caller, raw};
use reqwest::Method;
use serde_json::{Value, json};

use super::{CANARIES, Told};

/// What a person chose, in the form of a GPP string. All in one section, as it is looked for.
pub(super) const GPP: &str = "DBABMA~KanarekVolba77008";
/// What is sent where only a GPP string belongs.
const NO_GPP: &str = "zabloudilykanarek volba";

/// Sends the signals of a person by every way, good and bad, and reads their receipt.
pub(super) async fn put_in(told: &mut Told, shop: &Caller, subject: &str) {
    let consents = format!("/subjects/{subject}/consents");
    let event = |gpp: &str| {
        json!({
            "purpose": "newsletter", "action": "refused", "signals": { "gpc": true, "gpp": gpp },
        })
    };
    let recorded = told.json(shop, Method::POST, &consents, &event(GPP)).await.text("/event");
    let mut item = event(GPP);
    item["subject"] = json!(subject);
    told.json(shop, Method::POST, "/consents:batch", &json!({ "items": [item] })).await;
    for bad in [event(NO_GPP), json!({ "signals": NO_GPP }), json!({ "signals": { NO_GPP: 1 } })] {
        let post = shop.request(Method::POST, &consents).json(&bad);
        told.by("malformed signals", post).await.expect_status(422);
    }
    let path = format!("{consents}/{NO_GPP}/receipt");
    let astray = told.by("a receipt of nothing", shop.request(Method::GET, &path)).await;
    assert!((400..500).contains(&astray.status));
    shop.get(&format!("{consents}/{NO_GPP}")).await;

    let receipt = shop.get(&format!("{consents}/{recorded}/receipt")).await.expect_status(200);
    let receipt = String::from_utf8(receipt.bytes).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(receipt.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["signals"]["gpp"], GPP, "the receipt is where it belongs");
    let events = shop.get(&format!("{consents}/events")).await.expect_status(200);
    let history = [("the history".to_owned(), events.bytes)];
    for canary in CANARIES {
        assert_eq!(!raw::find(canary, &history).is_empty(), canary == GPP, "{canary}");
    }
}
