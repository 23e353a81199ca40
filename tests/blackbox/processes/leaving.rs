//! An app that leaves: two admins, a process that is killed on the way, and what is left.

use std::fs;
use std::time::Duration;

use oubli_tests::raw::{self, Place};
use oubli_tests::{Caller, PASSWORD, Reply, both_engines};
use reqwest::Method;
use serde_json::{Value, json};

use super::installation::{Installation, Process, customer, open_shop};

/// Texts of the app that nothing else has: of a person, of a notice, of a client.
const CANARIES: [&str; 3] = ["kosatka-81001@people.example", "Kosatka-81002 píše", "kosatka-81003"];

/// How often the end is asked for, 50 ms apart: the lease of a worker that died, of 60 seconds, ends
/// first.
const POLLS: u32 = 3_000;

/// An admin, or another member of staff, made by the command line.
async fn user(own: &Installation, name: &str, role: &str) {
    let create = ["user", "create", "--name", name, "--role", role];
    own.run_with(&create, &format!("{PASSWORD}\n")).await.succeeds();
}

async fn signed_in(process: &Process, name: &str) -> Caller {
    let login = json!({ "name": name, "password": PASSWORD });
    let anonymous = Caller::new(&process.url);
    let session = anonymous.post("/v1/staff/login", &login).await.expect_status(200);
    anonymous.with_token(session.text("/access_token")).for_app("shop")
}

/// A POST without a body.
async fn post(caller: &Caller, path: &str) -> Reply {
    Reply::of(caller.request(Method::POST, path)).await
}

/// A client of an app, made by the command line while no service runs.
async fn client(own: &Installation, app: &str, title: &str) -> (String, String) {
    let made = own.run(&["client", "create", "--app", app, "--title", title]).await.succeeds();
    let value = |name: &str| {
        let line = made.stdout.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().to_owned()
    };
    (value("client_id:"), value("client_secret:"))
}

/// Puts the canaries in, among other people, and gives the certificate of one who was erased.
async fn fill(shop: &Caller) -> String {
    let texts = json!({ "texts": { "cs": CANARIES[1] } });
    shop.put("/notices/letters", &texts).await.expect_status(201);
    let canary = customer(shop, CANARIES[0]).await;
    shop.request_of("access", &canary).await;
    for n in 0..12 {
        customer(shop, &format!("p{n}@people.example")).await;
    }
    let gone = customer(shop, "gone@people.example").await;
    let request = shop.request_of("erasure", &gone).await;
    shop.completed(&request).await;
    shop.certificate(&request).await.0
}

/// Everything that the installation keeps but what its processes logged.
async fn kept(own: &Installation) -> Vec<Place> {
    let mut kept = raw::files(&own.path("data"), &["oubli.lock"]);
    kept.extend(raw::files(&own.path("journal"), &[]));
    if let Some(databases) = &own.databases {
        kept.extend(raw::tables(databases.data_url()).await);
        kept.extend(raw::tables(databases.keys_url()).await);
    }
    kept
}

/// Waits for the end of the deletion, which only its state tells of.
async fn deleted(admin: &Caller) -> Reply {
    for _ in 0..POLLS {
        let deletion = admin.get("/deletion").await.expect_status(200);
        if deletion.body["state"] == "deleted" {
            return deletion;
        }
        assert_eq!(deletion.body["state"], "deleting");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the app was not deleted in time");
}

async fn refused_to_others(shop: &Caller, auditor: &Caller, confirm: &Value) {
    for caller in [shop, auditor] {
        let propose = caller.post("/deletion", confirm).await;
        propose.expect_problem(403, "insufficient-scope");
        let approve = post(caller, "/deletion:approve").await;
        approve.expect_problem(403, "insufficient-scope");
        let cancel = caller.delete("/deletion").await;
        cancel.expect_problem(403, "insufficient-scope");
    }
    auditor.get("/deletion").await.expect_status(200);
}

/// Nobody is let in any more, and the name is nobody else's.
async fn closed(shop: &Caller, admin: &Caller, problem: (u16, &str)) {
    for path in ["/data-map", "/subjects", "/v1/apps/shop", "/requests"] {
        shop.get(path).await.expect_problem(404, "app-not-found");
    }
    let new = json!({ "identifiers": [{ "type": "email", "value": "late@people.example" }] });
    shop.post("/subjects", &new).await.expect_problem(404, "app-not-found");
    for path in ["/v1/apps/shop", "/clients", "/events", "/settings"] {
        admin.get(path).await.expect_problem(problem.0, problem.1);
    }
    let again = json!({ "app": "shop", "title": "Another shop" });
    admin.post("/v1/apps", &again).await.expect_problem(409, "app-exists");
}

async fn no_token(process: &Process, (client, secret): &(String, String)) {
    let token = Caller::new(&process.url).request(Method::POST, "/oauth2/token");
    let token = token
        .basic_auth(client, Some(secret))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials");
    assert_eq!(Reply::of(token).await.expect_status(401).body["error"], "invalid_client");
}

both_engines! {
    async fn an_app_is_deleted_by_two_and_ends_once(engine: Engine) {
        let own = Installation::new(engine).await;
        let _ = own.shop().await;
        let of_shop = client(&own, "shop", CANARIES[2]).await;
        own.run(&["app", "create", "market"]).await.succeeds();
        let of_market = client(&own, "market", "backend").await;
        for (name, role) in [("ada", "admin"), ("bob", "admin"), ("eve", "auditor")] {
            user(&own, name, role).await;
        }
        let mut process = own.start("all").await;
        let shop = open_shop(&process, &of_shop).await;
        let earlier = fill(&shop).await;
        let anonymous = Caller::new(&process.url);
        let market = anonymous.for_app("market").sign_in(&of_market.0, &of_market.1).await;
        market.put("/data-map", &oubli_tests::data_map()).await;
        let stays = market.subject("stays@people.example").await;

        let (ada, bob) = (signed_in(&process, "ada").await, signed_in(&process, "bob").await);
        let confirm = json!({ "confirm": "shop" });
        ada.post("/deletion", &json!({ "confirm": "market" })).await.expect_problem(422, "invalid-body");
        let proposal = ada.post("/deletion", &confirm).await.expect_status(201);
        assert_eq!(proposal.body["rows"]["subjects"], 13);
        refused_to_others(&shop, &signed_in(&process, "eve").await, &confirm).await;
        post(&ada, "/deletion:approve").await.expect_problem(409, "second-person-needed");
        ada.post("/deletion", &confirm).await.expect_problem(409, "deletion-open");
        bob.delete("/deletion").await.expect_status(204);
        bob.get("/deletion").await.expect_problem(404, "deletion-not-found");
        ada.post("/deletion", &confirm).await.expect_status(201);
        shop.get("/data-map").await.expect_status(200);

        let approved = post(&bob, "/deletion:approve").await.expect_status(202);
        assert_eq!(approved.body["state"], "deleting");
        closed(&shop, &ada, (409, "app-deleting")).await;
        no_token(&process, &of_shop).await;
        bob.delete("/deletion").await.expect_problem(409, "app-deleting");
        let moment = getrandom::u32().unwrap() % 60_000;
        tokio::time::sleep(Duration::from_micros(moment.into())).await;
        process.kill().await;

        process = own.start("all").await;
        let (shop, bob) = (shop.at(&process.url), bob.at(&process.url));
        let end = deleted(&bob).await;
        assert!(end.body["rows"].as_object().unwrap().values().all(|rows| *rows == 0));
        assert_eq!((&end.body["deleted"]["subjects"], &end.body["deleted"]["records"]), (&json!(13), &json!(260)));
        closed(&shop, &bob, (404, "app-not-found")).await;
        no_token(&process, &of_shop).await;
        let told = bob.all_pages("/v1/staff/events", 100).await;
        assert_eq!(told.iter().filter(|event| event["type"] == "app.deleted").count(), 1);
        market.at(&process.url).get(&format!("/subjects/{stays}")).await.expect_status(200);

        let certificate = bob.get("/deletion/certificate").await.expect_status(200);
        let keys = bob.get("/.well-known/oubli-keys").await.expect_status(200);
        fs::write(own.path("deletion.jws"), &certificate.bytes).unwrap();
        fs::write(own.path("earlier.jws"), &earlier).unwrap();
        fs::write(own.path("keys.json"), &keys.bytes).unwrap();
        process.stop().await;
        for file in ["deletion.jws", "earlier.jws"] {
            let verify = ["verify", "certificate", file, "--keys", "keys.json"];
            assert!(own.run(&verify).await.succeeds().stdout.contains("\"shop\""), "{file}");
        }
        let listed = own.run(&["app", "list"]).await.succeeds().stdout;
        assert!(listed.contains("shop\tshop\tdeleted") && listed.contains("\tactive"), "{listed}");
        own.run(&["client", "create", "--app", "shop", "--title", "x"]).await.fails_saying(&["no such app"]);
        let places = kept(&own).await;
        assert!(!raw::find("market", &places).is_empty(), "the search finds what is there");
        for canary in CANARIES {
            assert_eq!(raw::find(canary, &places), [], "{canary}");
        }
    }
}
