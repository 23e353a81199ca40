//! Reading many people for a purpose, and what ends a purpose for one of them.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use oubli_tests::{Caller, Document, Reply, TestServer, both_engines, data_map, merge};
use reqwest::Method;
use serde_json::{Value, json};

/// A shop whose newsletter reads the e-mail address that finds a person.
async fn shop(server: &TestServer) -> Caller {
    let shop = server.app("shop").await;
    let reads = json!({ "purposes": { "newsletter": { "reads": { "identifiers": ["email"] } } } });
    shop.put("/data-map", &merge(data_map(), &reads)).await.expect_status(201);
    shop
}

/// A person with a profile, a phone number and consent to the newsletter.
async fn customer(shop: &Caller, name: &str) -> String {
    let subject = shop.subject(&format!("{name}@example.org")).await;
    let profile = json!({ "name": name, "email": "kept@example.org", "city": "London" });
    shop.put(&format!("/subjects/{subject}/records/profile/main"), &profile)
        .await
        .expect_status(201);
    shop.grant(&subject).await.expect_status(201);
    subject
}

fn of(subjects: &[&String], purpose: &str, categories: &[&str]) -> Value {
    let items: Vec<Value> = subjects.iter().map(|id| json!({ "subject": id })).collect();
    json!({ "purpose": purpose, "items": items, "categories": categories })
}

async fn read(shop: &Caller, body: &Value) -> Value {
    shop.post("/records:read", body).await.expect_status(200).body
}

/// Whom the newsletter's list holds, page after page.
async fn listed(shop: &Caller, limit: usize) -> Vec<String> {
    let people = shop.all_pages("/purposes/newsletter/subjects", limit).await;
    people.iter().map(|person| person["subject"].as_str().unwrap().to_owned()).collect()
}

fn end_of(subject: &str, purpose: &str) -> String {
    format!("/subjects/{subject}/purposes/{purpose}/end")
}

async fn end(shop: &Caller, subject: &str, purpose: &str) -> Reply {
    Reply::of(shop.request(Method::PUT, &end_of(subject, purpose))).await
}

both_engines! {
    async fn many_people_are_read_for_one_purpose(engine: Engine) {
        let server = TestServer::start(engine).await;
        let (shop, market) = (shop(&server).await, server.app("market").await);
        let ada = customer(&shop, "ada").await;
        let bob = customer(&shop, "bob").await;
        let eve = market.subject("eve@example.org").await;
        shop.withdraw(&bob).await.expect_status(201);
        let mut asked = of(&[&ada, &bob, &eve], "newsletter", &["profile", "identifiers"]);
        let nobody = json!({ "identifier": { "type": "phone", "value": "+33612345678" } });
        asked["items"].as_array_mut().unwrap().push(nobody);
        let answer = read(&shop, &asked).await;
        assert!(answer.get("next").is_none() && answer["checked_at"].is_string());
        let items = answer["items"].as_array().unwrap();
        let first = &items[0];
        assert_eq!((&first["status"], &first["item"]), (&json!(200), &json!(0)));
        assert_eq!((&first["subject"], &first["complete"]), (&json!(ada), &json!(true)));
        assert_eq!(first["identifiers"][0]["value"], "ada@example.org");
        assert_eq!(first["records"][0]["body"], json!({ "name": "ada", "email": "kept@example.org" }));
        assert_eq!(
            items[1],
            json!({ "item": 1, "status": 403, "problem": "/problems/purpose-not-permitted",
                    "reason": "consent-withdrawn" })
        );
        for (n, item) in items.iter().enumerate().skip(2) {
            let gone = "/problems/subject-not-found";
            assert_eq!(*item, json!({ "item": n, "status": 404, "problem": gone }));
        }
        // Delivery reads no identifiers, though the person has some.
        let delivery = read(&shop, &of(&[&ada], "delivery", &["profile"])).await;
        assert_eq!(delivery["items"][0]["records"][0]["body"], json!({ "name": "ada", "city": "London" }));
        assert!(delivery["items"][0].get("identifiers").is_none());
        let reads = shop.export("access", &ada).await.rows("reads.ndjson");
        assert_eq!(reads.len(), 2);
        let fields = json!({ "identifiers": ["email"], "profile": ["email", "name"] });
        assert_eq!((&reads[0]["purpose"], &reads[0]["fields"]), (&json!("newsletter"), &fields));
        let refused = shop.all_pages("/events", 1_000).await;
        let refused = refused.iter().filter(|e| e["leaf"]["type"] == "record.read_refused");
        assert_eq!(refused.count(), 1);
    }

    async fn bad_reads_are_refused_whole(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = shop(&server).await;
        let ada = customer(&shop, "ada").await;
        let good = of(&[&ada], "newsletter", &["profile"]);
        let id = |n: usize| json!({ "subject": format!("sub_{n:032x}") });
        let many = |count: usize| Value::Array((0..count).map(id).collect());
        let by_email = json!({ "identifier": { "type": "email", "value": "ADA@example.org" } });
        let both = merge(by_email.clone(), &json!({ "subject": ada }));
        let categories: Vec<String> = (0..202).map(|n| format!("c{n}")).collect();
        for (over, status, slug) in [
            (json!({ "items": [] }), 422, "invalid-body"),
            (json!({ "items": many(1_001) }), 422, "invalid-body"),
            (json!({ "items": [{ "subject": ada }, { "subject": ada }] }), 422, "invalid-body"),
            (json!({ "items": [{ "subject": ada }, by_email] }), 422, "invalid-body"),
            (json!({ "items": [both] }), 422, "invalid-body"),
            (json!({ "items": [{}] }), 422, "invalid-body"),
            (json!({ "items": [{ "subject": "sub_1" }] }), 422, "invalid-body"),
            (json!({ "categories": [] }), 422, "invalid-body"),
            (json!({ "categories": categories }), 422, "invalid-body"),
            (json!({ "categories": ["profile", "profile"] }), 422, "invalid-body"),
            (json!({ "categories": ["Profile"] }), 422, "invalid-body"),
            (json!({ "purpose": 7 }), 422, "invalid-body"),
            (json!({ "purpose": "absent" }), 422, "unknown-purpose"),
            (json!({ "categories": ["profile", "absent"] }), 422, "unknown-category"),
            (json!({ "categories": ["profile", "invoice"] }), 403, "purpose-not-permitted"),
            (json!({ "purpose": "delivery", "categories": ["identifiers"] }), 403, "purpose-not-permitted"),
            (json!({ "cursor": "x" }), 400, "invalid-cursor"),
            (json!({ "more": 1 }), 422, "invalid-body"),
        ] {
            let reply = shop.post("/records:read", &merge(good.clone(), &over)).await;
            reply.expect_problem(status, slug);
        }
        let most = shop.post("/records:read", &merge(good, &json!({ "items": many(1_000) }))).await;
        assert_eq!(most.expect_status(200).body["items"].as_array().unwrap().len(), 1_000);
        for (query, slug) in [("cursor=x", "invalid-cursor"), ("limit=0", "invalid-query"),
                              ("limit=1001", "invalid-query"), ("cursor=c3ViXzE", "invalid-cursor")] {
            let reply = shop.get(&format!("/purposes/newsletter/subjects?{query}")).await;
            reply.expect_problem(400, slug);
        }
        shop.get("/purposes/absent/subjects").await.expect_problem(404, "purpose-not-found");
        assert_eq!(shop.export("access", &ada).await.rows("reads.ndjson").len(), 0);
    }

    async fn a_list_holds_those_for_whom_the_purpose_holds(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = shop(&server).await;
        let mut people = Vec::new();
        for n in 0..9 {
            people.push(customer(&shop, &format!("p{n}")).await);
        }
        people.sort();
        shop.withdraw(&people[1]).await.expect_status(201);
        shop.erase(&people[3]).await;
        shop.subject("nobody@example.org").await;
        let left: Vec<String> = [0, 2, 4, 5, 6, 7, 8].map(|n| people[n].clone()).into();
        for limit in [2, 100] {
            assert_eq!(listed(&shop, limit).await, left);
        }
        let page = shop.get("/purposes/newsletter/subjects?limit=1").await.expect_status(200);
        assert!(page.body["checked_at"].is_string());
        let first = &page.body["items"][0];
        assert_eq!(first["identifiers"].as_array().unwrap().len(), 1);
        assert!(first["records"][0]["body"]["name"].is_string());
        // Accounts rest on a legal obligation: everybody who is here.
        let all = shop.all_pages("/purposes/accounts/subjects", 3).await;
        assert_eq!(all.len(), 9);
    }

    async fn no_list_holds_who_left_before_it_was_asked_for(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = shop(&server).await;
        for round in 0..6 {
            let stays = customer(&shop, &format!("stays-{round}")).await;
            let leaves = customer(&shop, &format!("leaves-{round}")).await;
            let acknowledged = AtomicBool::new(false);
            let asker = |n: usize| {
                let (shop, stays, leaves) = (&shop, &stays, &leaves);
                let acknowledged = &acknowledged;
                async move {
                    let mut last = false;
                    while !last {
                        last = acknowledged.load(Ordering::SeqCst);
                        let found = if n.is_multiple_of(2) {
                            listed(shop, 100).await
                        } else {
                            let asked = of(&[stays, leaves], "newsletter", &["profile"]);
                            let items = read(shop, &asked).await["items"].clone();
                            let items = items.as_array().unwrap().iter();
                            items.filter_map(|i| i["subject"].as_str().map(str::to_owned)).collect()
                        };
                        assert!(found.contains(stays));
                        assert!(!last || !found.contains(leaves), "asker {n} in round {round}");
                    }
                }
            };
            let leave = async {
                if round % 2 == 0 {
                    shop.withdraw(&leaves).await.expect_status(201);
                    acknowledged.store(true, Ordering::SeqCst);
                } else {
                    let request = shop.request_of("erasure", &leaves).await;
                    acknowledged.store(true, Ordering::SeqCst);
                    shop.completed(&request).await;
                }
            };
            tokio::join!(join_all((0..4).map(asker)), leave);
        }
    }

    async fn a_contract_ends_for_one_person(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = shop(&server).await;
        let (ada, bob) = (customer(&shop, "ada").await, customer(&shop, "bob").await);
        let first = end(&shop, &ada, "delivery").await.expect_status(200);
        let again = end(&shop, &ada, "delivery").await.expect_status(200);
        assert_eq!(first.body, again.body);
        let record = format!("/subjects/{ada}/records/profile/main?purpose=delivery");
        shop.get(&record).await.expect_problem(403, "purpose-not-permitted");
        let answer = read(&shop, &of(&[&ada, &bob], "delivery", &["profile"])).await;
        assert_eq!(answer["items"][0]["reason"], "ended");
        assert_eq!(answer["items"][1]["status"], 200);
        let list = shop.all_pages("/purposes/delivery/subjects", 10).await;
        assert_eq!(list.iter().map(|p| &p["subject"]).collect::<Vec<_>>(), [&json!(bob)]);
        let standings = shop.get(&format!("/subjects/{ada}/purposes")).await.expect_status(200);
        let delivery = &standings.body["items"][1];
        assert_eq!(
            *delivery,
            json!({ "purpose": "delivery", "lawful_basis": "contract", "permitted": false,
                    "reason": "ended", "ended_at": first.body["ended_at"] })
        );
        let bundle = shop.export("access", &ada).await;
        assert_eq!(bundle.document("subject.json")["ended_purposes"], json!([first.body]));
        shop.delete(&end_of(&ada, "delivery")).await.expect_status(204);
        shop.delete(&end_of(&ada, "delivery")).await.expect_status(204);
        shop.get(&record).await.expect_status(200);
        for (subject, purpose, status, slug) in [
            (ada.as_str(), "newsletter", 422, "purpose-not-contract"),
            (&ada, "absent", 404, "purpose-not-found"),
            ("sub_00000000000070008000000000000000", "delivery", 404, "subject-not-found"),
        ] {
            end(&shop, subject, purpose).await.expect_problem(status, slug);
            shop.delete(&end_of(subject, purpose)).await.expect_problem(status, slug);
        }
        end(&shop, &ada, "delivery").await.expect_status(200);
        assert_eq!(shop.erase(&ada).await.deleted["purpose_ends"], 1);
        end(&shop, &ada, "delivery").await.expect_problem(404, "subject-not-found");
    }

    async fn ends_that_come_at_once_are_one(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = shop(&server).await;
        let ada = customer(&shop, "ada").await;
        let replies = join_all((0..20).map(|_| end(&shop, &ada, "delivery"))).await;
        assert!(replies.iter().all(|reply| reply.status == 200 && reply.body == replies[0].body));
        let events = shop.all_pages("/events", 1_000).await;
        let ended = events.iter().filter(|event| event["leaf"]["type"] == "purpose.ended");
        assert_eq!(ended.count(), 1);
    }

    async fn a_contact_moves_forward_alone(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = shop(&server).await;
        let ada = customer(&shop, "ada").await;
        let (path, subject) = (format!("/subjects/{ada}/contacts"), format!("/subjects/{ada}"));
        let seen = shop.get(&subject).await.expect_status(200);
        assert_eq!(seen.body["last_contact"], seen.body["created_at"]);
        let now = shop.post(&path, &json!({})).await.expect_status(200).text("/last_contact");
        assert!(now > seen.text("/created_at"));
        let past = shop.post(&path, &json!({ "at": "2001-02-03T04:05:06Z" })).await;
        assert_eq!(past.expect_status(200).text("/last_contact"), now);
        assert_eq!(shop.get(&subject).await.text("/last_contact"), now);
        for (body, slug) in [
            (json!({ "at": "2099-01-01T00:00:00Z" }), "future-time"),
            (json!({ "at": "yesterday" }), "invalid-body"),
            (json!({ "at": 7 }), "invalid-body"),
            (json!({ "when": now }), "invalid-body"),
            (json!([]), "invalid-body"),
        ] {
            shop.post(&path, &body).await.expect_problem(422, slug);
        }
        let bundle = shop.export("access", &ada).await;
        assert_eq!(bundle.document("subject.json")["last_contact"], now);
        shop.erase(&ada).await;
        shop.post(&path, &json!({})).await.expect_problem(404, "subject-not-found");
    }

    async fn no_answer_is_kept_by_a_cache(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = shop(&server).await;
        for operation in Document::of(&server.url).await.operations() {
            // Public keys and what problems mean are the same for all.
            if ["/.well-known/", "/problems"].iter().any(|part| operation.path.starts_with(part)) {
                continue;
            }
            for caller in [&shop, &server.anonymous()] {
                let reply = Reply::of(operation.request(caller, &[].into())).await;
                assert_eq!(reply.header("cache-control"), Some("no-store"), "{}", operation.name());
            }
        }
        let ada = customer(&shop, "ada").await;
        let record = format!("/subjects/{ada}/records/profile/main?purpose=delivery");
        for reply in [shop.get(&record).await, shop.get("/purposes/delivery/subjects").await] {
            assert_eq!(reply.expect_status(200).header("cache-control"), Some("no-store"));
        }
    }
}
