//! Legal holds: what staff write about one, and what it keeps, is nowhere in clear but in the answer
//! that asks for it.

use oubli_tests::{Caller, PASSWORD, Reply, raw};
use reqwest::Method;
use serde_json::json;

use super::{ADDRESS, ASTRAY, ASTRAY_PLAIN, NAME, Told};
use crate::processes::installation::Installation;

/// What staff write about a person.
pub(super) const NOTE: &str = "Kanárek popírá fakturu 77009";

/// Makes a DPO before the service runs.
pub(super) async fn appoint(place: &Installation) {
    let create = ["user", "create", "--name", "officer", "--role", "dpo"];
    place.run_with(&create, &format!("{PASSWORD}\n")).await.succeeds();
}

/// Sets a hold with a note, reads it, and sends what does not belong into one.
pub(super) async fn put_in(told: &mut Told, shop: &Caller, subject: &str) -> Caller {
    let login = json!({ "name": "officer", "password": PASSWORD });
    let session = shop.post("/v1/staff/login", &login).await.expect_status(200);
    let dpo = shop.clone().with_token(session.text("/access_token"));
    let new = json!({
        "subject": subject, "category": "profile", "field": "address",
        "ground": "legal_claims", "legal_reference": "File 7", "note": NOTE,
    });
    let hold = told.json(&dpo, Method::POST, "/holds", &new).await.text("/hold");
    let shown = dpo.get(&format!("/holds/{hold}")).await.expect_status(200);
    let places = [("the hold".to_owned(), shown.bytes)];
    assert!(!raw::find(NOTE, &places).is_empty(), "the note is not handed out");
    told.by("the holds", dpo.request(Method::GET, "/holds")).await.expect_status(200);
    for bad in [
        json!({ "subject": ASTRAY, "ground": NAME, "legal_reference": ADDRESS, "note": NOTE }),
        json!({ "subject": subject, "category": ASTRAY_PLAIN, "ground": "legal_claims",
            "legal_reference": format!("{ASTRAY}\n"), "note": NOTE }),
        json!({ "subject": subject, "ground": ASTRAY, "legal_reference": "File 7" }),
        json!({ ASTRAY: NOTE }),
    ] {
        let reply: Reply =
            told.by("a bad hold", dpo.request(Method::POST, "/holds").json(&bad)).await;
        assert_eq!(reply.status, 422);
    }
    let encoded = "zabloudil%C3%BD.kan%C3%A1rek%4077007.example";
    for path in [
        format!("/holds/{encoded}"),
        format!("/holds?state={encoded}"),
        format!("/holds?{ASTRAY_PLAIN}=1"),
        format!("/kept-items?hold={encoded}"),
        format!("/kept-items?request={encoded}"),
    ] {
        let reply = told.by(&path, dpo.request(Method::GET, &path)).await;
        assert!(reply.status >= 400, "{path}");
    }
    let bad = json!({ "ground": NAME });
    let path = format!("/kept-items/kpt_{}/read", "0".repeat(32));
    told.by("a bad ground", dpo.request(Method::POST, &path).json(&bad)).await.expect_status(422);
    dpo
}

/// After the erasure: what was held is read, and is in no list.
pub(super) async fn look_after(told: &mut Told, dpo: &Caller) {
    let listed = told.by("kept items", dpo.request(Method::GET, "/kept-items")).await;
    let item = listed.expect_status(200).text("/items/0/item");
    let ground = json!({ "ground": "legal_claims" });
    let read = dpo.post(&format!("/kept-items/{item}/read"), &ground).await.expect_status(200);
    let places = [("the kept item".to_owned(), read.bytes)];
    assert!(!raw::find(ADDRESS, &places).is_empty(), "what is kept is not handed out");
    told.by("the holds after", dpo.request(Method::GET, "/holds")).await.expect_status(200);
}
