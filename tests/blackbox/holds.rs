//! Legal holds and what they keep: a held value neither changes nor goes, an erasure keeps exactly
//! what is held, and the release of the hold lets it go.

use futures_util::future::join;
use oubli_app::certificate::verify_certificate;
use oubli_app::kept_items::verify_supplement;
use oubli_domain::scope::Role;
use oubli_tests::raw::{self, Place};
use oubli_tests::{Caller, Engine, Reply, TestServer, both_engines, eventually};
use serde_json::{Value, json};

const TOTAL: f64 = 4_711.25;

/// A shop, its DPO, and a customer with a profile and an invoice.
struct World {
    server: TestServer,
    shop: Caller,
    dpo: Caller,
}

impl World {
    async fn new(engine: Engine) -> Self {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let dpo = server.staff(Role::Dpo, "shop").await.for_app("shop");
        Self { server, shop, dpo }
    }

    async fn customer(&self, name: &str) -> String {
        let subject = self.shop.subject(&email(name)).await;
        let profile = json!({ "name": name, "city": "Paris" });
        self.shop.put(&place(&subject, "profile/main"), &profile).await.expect_status(201);
        let invoice = json!({ "date": "2026-01-02", "total": TOTAL, "address": "Lyon" });
        self.shop.put(&place(&subject, "invoice/1"), &invoice).await.expect_status(201);
        subject
    }

    async fn hold(&self, subject: &str, over: &Value) -> String {
        let reply = self.dpo.post("/holds", &new_hold(subject, over)).await;
        reply.expect_status(201).text("/hold")
    }

    async fn release(&self, hold: &str) -> Reply {
        let reason = json!({ "reason": "ended" });
        self.dpo.post(&format!("/holds/{hold}/release"), &reason).await
    }

    async fn kept(&self, query: &str) -> Vec<Value> {
        let page = self.dpo.get(&format!("/kept-items?{query}")).await.expect_status(200);
        page.body["items"].as_array().unwrap().clone()
    }

    async fn read(&self, item: &str) -> Reply {
        let ground = json!({ "ground": "legal_claims" });
        self.dpo.post(&format!("/kept-items/{item}/read"), &ground).await
    }

    /// Waits until nothing is kept of an erasure.
    async fn emptied(&self, request: &str) {
        let of_request = format!("request={request}");
        eventually(async || self.kept(&of_request).await.is_empty().then_some(())).await;
    }

    /// Every byte of both databases.
    async fn bytes(&self) -> Vec<Place> {
        let storage = self.server.config().storage;
        let mut places = raw::files(&storage.data_dir, &[]);
        for url in [storage.data_url, storage.keys_url].into_iter().flatten() {
            places.extend(raw::tables(&url).await);
        }
        places
    }
}

fn email(name: &str) -> String {
    format!("{name}@people.example")
}

fn place(subject: &str, record: &str) -> String {
    format!("/subjects/{subject}/records/{record}")
}

fn new_hold(subject: &str, over: &Value) -> Value {
    let hold = json!({
        "subject": subject, "ground": "legal_claims", "legal_reference": "File 7 O 12/26",
    });
    oubli_tests::merge(hold, over)
}

fn on_total() -> Value {
    json!({ "category": "invoice", "field": "total" })
}

both_engines! {
    async fn what_is_held_stays_and_goes_with_its_release(engine: Engine) {
        let world = World::new(engine).await;
        let (shop, ada) = (&world.shop, world.customer("ada").await);
        let hold = world.hold(&ada, &on_total()).await;
        let invoice = place(&ada, "invoice/1");
        shop.patch(&invoice, &json!({ "total": 1 })).await.expect_problem(409, "held");
        shop.patch(&invoice, &json!({ "total": null })).await.expect_problem(409, "held");
        let without = json!({ "date": "2026-01-02" });
        shop.put(&invoice, &without).await.expect_problem(409, "held");
        shop.delete(&invoice).await.expect_problem(409, "held");
        shop.patch(&invoice, &json!({ "address": "Nantes" })).await.expect_status(200);
        let item = json!({
            "subject": ada, "category": "invoice", "record": "1", "body": without,
        });
        let batch = shop.post("/records:batch", &json!({ "items": [item] })).await;
        assert_eq!(batch.expect_status(200).body["items"][0]["problem"], "/problems/held");

        let plan = shop.post("/requests:preview", &json!({ "subject": ada })).await;
        let kept = json!([{
            "category": "invoice", "record": "1", "fields": ["total"], "kept_by": [
                { "kind": "hold", "hold": hold, "legal_reference": "File 7 O 12/26" },
            ],
        }]);
        assert_eq!(plan.expect_status(200).body["kept"], kept);

        let claims = shop.erase(&ada).await;
        let request = claims.request.to_string();
        shop.get(&format!("/subjects/{ada}")).await.expect_problem(404, "subject-not-found");
        shop.lookup("email", &email("ada")).await.expect_problem(404, "subject-not-found");
        let items = world.kept(&format!("request={request}&hold={hold}")).await;
        assert_eq!(items.len(), 1);
        let item = items[0]["item"].as_str().unwrap().to_owned();
        assert_eq!(claims.kept.len(), 1);
        assert_eq!(claims.kept[0].item.unwrap().to_string(), item);
        assert!(claims.left.values().all(|rows| *rows == 0));
        let read = world.read(&item).await.expect_status(200);
        assert_eq!(read.body["body"], json!({ "total": TOTAL }));
        assert_eq!(read.header("cache-control"), Some("no-store"));

        world.release(&hold).await.expect_status(200);
        world.emptied(&request).await;
        world.read(&item).await.expect_problem(404, "kept-item-not-found");
        let path = format!("/requests/{request}/supplements");
        let found = shop.get(&path).await.expect_status(200).body;
        let (_, keys) = shop.certificate(&request).await;
        let told = verify_supplement(found["items"][0]["jws"].as_str().unwrap(), &keys).unwrap();
        assert_eq!((told.certificate, told.request), (claims.jti, claims.request));
        assert_eq!(told.erased.len(), 1);
        assert_eq!(told.erased[0].kept, claims.kept[0]);
        let (same, keys) = shop.certificate(&request).await;
        assert_eq!(verify_certificate(&same, &keys).unwrap(), claims);
        world.release(&hold).await.expect_problem(409, "hold-released");
    }

    async fn no_id_of_the_person_is_left_beside_what_is_kept(engine: Engine) {
        let world = World::new(engine).await;
        let ada = world.customer("ada").await;
        let note = json!({ "note": "She disputes it.", "category": "invoice" });
        let hold = world.hold(&ada, &note).await;
        let shown = world.dpo.get(&format!("/holds/{hold}")).await.expect_status(200);
        assert_eq!((shown.text("/note"), shown.text("/state")),
            ("She disputes it.".to_owned(), "standing".to_owned()));
        let id: Vec<u8> = (0..16).map(|n| {
            u8::from_str_radix(&ada[4 + 2 * n..6 + 2 * n], 16).unwrap()
        }).collect();
        let holds_id = |places: &[Place]| {
            places.iter().any(|(_, bytes)| bytes.windows(16).any(|window| window == id))
        };
        assert!(holds_id(&world.bytes().await), "the search finds who is there");
        let claims = world.shop.erase(&ada).await;
        assert!(!holds_id(&world.bytes().await));
        let shown = world.dpo.get(&format!("/holds/{hold}")).await.expect_status(200);
        assert_eq!(shown.text("/request"), claims.request.to_string());
        assert_eq!((shown.body.get("subject"), shown.body.get("note")), (None, None));
    }

    async fn of_a_hold_and_an_erasure_beside_it_either_keeps_or_is_refused(engine: Engine) {
        let world = World::new(engine).await;
        for n in 0..6 {
            let name = format!("p{n}");
            let subject = world.customer(&name).await;
            let new = new_hold(&subject, &on_total());
            let erasure = json!({ "right": "erasure", "subject": subject });
            let (held, erased) = join(
                world.dpo.post("/holds", &new),
                world.shop.post("/requests", &erasure),
            ).await;
            let request = erased.expect_status(202).text("/request");
            world.shop.completed(&request).await;
            let kept = world.kept(&format!("request={request}")).await.len();
            match held.status {
                201 => assert_eq!(kept, 1, "it stood before the acknowledgement"),
                404 => assert_eq!(kept, 0),
                _ => {
                    held.expect_problem(409, "subject-erasing");
                    assert_eq!(kept, 0);
                }
            }
        }
    }

    async fn of_a_hold_and_a_put_beside_it_the_first_counts(engine: Engine) {
        let world = World::new(engine).await;
        for n in 0..6 {
            let subject = world.customer(&format!("p{n}")).await;
            let (new, path) = (new_hold(&subject, &on_total()), place(&subject, "invoice/1"));
            let other = json!({ "date": "2026-01-02", "total": 1 });
            let (held, put) =
                join(world.dpo.post("/holds", &new), world.shop.put(&path, &other)).await;
            held.expect_status(201);
            let seen = world.shop.get(&format!("{path}?purpose=accounts")).await;
            let total = seen.expect_status(200).body["body"]["total"].as_f64();
            if put.status == 409 {
                put.expect_problem(409, "held");
                assert_eq!(total, Some(TOTAL));
            } else {
                put.expect_status(200);
                assert_eq!(total, Some(1.0));
            }
            world.shop.delete(&path).await.expect_problem(409, "held");
        }
    }

    async fn who_may_not_and_what_is_not_is_refused(engine: Engine) {
        let world = World::new(engine).await;
        let ada = world.customer("ada").await;
        let hold = world.hold(&ada, &json!({})).await;
        let new = new_hold(&ada, &json!({}));
        for role in [Role::Admin, Role::Compliance, Role::Auditor] {
            let staff = world.server.staff(role, "shop").await.for_app("shop");
            staff.post("/holds", &new).await.expect_problem(403, "insufficient-scope");
            let read = staff.post(&format!("/kept-items/kpt_{}/read", "0".repeat(32)),
                &json!({ "ground": "legal_claims" })).await;
            read.expect_problem(403, "insufficient-scope");
        }
        world.shop.post("/holds", &new).await.expect_problem(403, "insufficient-scope");
        let stranger = world.server.staff(Role::Dpo, "market").await.for_app("shop");
        stranger.get(&format!("/holds/{hold}")).await.expect_problem(404, "app-not-found");
        world.server.app("market").await;
        let market = world.server.staff(Role::Dpo, "market").await.for_app("market");
        let release = json!({ "reason": "ended" });
        let foreign = market.post(&format!("/holds/{hold}/release"), &release).await;
        foreign.expect_problem(404, "hold-not-found");
        market.get(&format!("/kept-items?hold={hold}")).await.expect_problem(404, "hold-not-found");

        let dpo = &world.dpo;
        for (over, status, slug) in [
            (json!({ "legal_reference": "x".repeat(201) }), 422, "invalid-body"),
            (json!({ "note": "x".repeat(2_001) }), 422, "invalid-body"),
            (json!({ "ground": "because" }), 422, "invalid-body"),
            (json!({ "until": "2030-01-01" }), 422, "invalid-body"),
            (json!({ "category": "nothing" }), 422, "unknown-category"),
            (json!({ "category": "invoice", "field": "nothing" }), 422, "invalid-body"),
            (json!({ "identifier": { "type": "email", "value": email("ada") } }), 422, "invalid-body"),
            (json!({ "subject": format!("sub_{}", "0".repeat(32)) }), 404, "subject-not-found"),
        ] {
            dpo.post("/holds", &new_hold(&ada, &over)).await.expect_problem(status, slug);
        }
        dpo.get("/holds?state=open").await.expect_problem(400, "invalid-query");
        dpo.get("/holds?subject=ada").await.expect_problem(400, "invalid-query");
        let bad = dpo.post(&format!("/holds/{hold}/release"), &json!({ "reason": "bored" })).await;
        bad.expect_problem(422, "invalid-body");
        let unknown = format!("/holds/hld_{}", "0".repeat(32));
        dpo.get(&unknown).await.expect_problem(404, "hold-not-found");
        let listed = dpo.get("/holds?state=standing").await.expect_status(200);
        assert_eq!(listed.body["items"].as_array().unwrap().len(), 1, "nothing else was set");
    }

    async fn a_hold_finds_its_person_by_an_identifier_and_is_set_once(engine: Engine) {
        let world = World::new(engine).await;
        let ada = world.customer("ada").await;
        let by = json!({ "type": "email", "value": email("ada") });
        let new = new_hold(&ada, &json!({ "subject": null, "identifier": by }));
        let first = world.dpo.post_once("once", "/holds", &new).await.expect_status(201);
        assert_eq!(first.text("/subject"), ada);
        let again = world.dpo.post_once("once", "/holds", &new).await.expect_status(201);
        assert_eq!(again.body, first.body);
        world.hold(&ada, &on_total()).await;
        let all = world.dpo.all_pages("/holds", 1).await;
        assert_eq!(all.len(), 2);
        let found = world.shop.get(&format!("/subjects/{ada}")).await.expect_status(200);
        let identifier = found.text("/identifiers/0/identifier");
        let path = format!("/subjects/{ada}/identifiers/{identifier}");
        world.shop.delete(&path).await.expect_problem(409, "held");
        let hold = first.text("/hold");
        world.release(&hold).await.expect_status(200);
        world.shop.delete(&path).await.expect_status(204);
        let released = world.dpo.get(&format!("/holds/{hold}")).await.expect_status(200);
        assert_eq!((released.text("/state"), released.text("/release_reason")),
            ("released".to_owned(), "ended".to_owned()));
    }
}
