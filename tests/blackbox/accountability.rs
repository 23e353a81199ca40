//! What an app can show of itself: what its data map says, in the forms that the law asks for, and
//! what its log says of who read what.

use oubli_domain::scope::Role;
use oubli_tests::{Caller, Reply, TestServer, both_engines, data_map, merge};
use reqwest::Method;
use serde_json::{Value, json};

async fn as_media(caller: &Caller, path: &str, media: &str) -> Reply {
    Reply::of(caller.request(Method::GET, path).header("accept", media)).await
}

/// The id of the client that was made last.
async fn newest_client(shop: &Caller) -> String {
    let clients = shop.get("/clients").await.expect_status(200).body;
    clients["items"].as_array().unwrap().last().unwrap()["client_id"].as_str().unwrap().to_owned()
}

/// A person with a profile.
async fn customer(shop: &Caller, name: &str) -> String {
    let subject = shop.subject(&format!("{name}@people.example")).await;
    let path = format!("/subjects/{subject}/records/profile/main");
    shop.put(&path, &json!({ "name": name, "city": "Paris" })).await.expect_status(201);
    subject
}

async fn read(caller: &Caller, subject: &str) {
    let path = format!("/subjects/{subject}/records/profile/main?purpose=delivery");
    caller.get(&path).await.expect_status(200);
}

both_engines! {
    async fn two_data_maps_are_compared_with_what_is_stored(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let subject = shop.subject("ada@people.example").await;
        let path = format!("/subjects/{subject}/records/profile/main");
        shop.put(&path, &json!({ "name": "Ada", "city": "Paris" })).await.expect_status(201);
        let over = json!({
            "categories": { "profile": { "fields": { "phone": null } } },
            "purposes": { "newsletter": { "reads": { "profile": ["name", "email", "city"] } } },
        });
        let second = shop.put("/data-map", &merge(data_map(), &over)).await.expect_status(201);
        let to = second.body["version"].as_i64().unwrap();
        let found = shop.get("/data-map/diff").await.expect_status(200);
        assert_eq!((found.body["from"].as_i64(), found.body["to"].as_i64()), (Some(to - 1), Some(to)));
        let changes = found.body["changes"].as_array().unwrap();
        let removed = changes.iter().find(|c| c["part"] == "field").unwrap();
        assert_eq!(removed["pointer"], "/categories/profile/fields/phone");
        assert_eq!(removed["meanings"][0]["code"], "stays-stored-unread");
        assert_eq!(removed["meanings"][0]["count"], 0);
        let read = changes.iter().find(|c| c["part"] == "read" && c["to"] == "city").unwrap();
        assert_eq!(read["meanings"][0]["code"], "reads-earlier-values");
        assert_eq!(read["meanings"][0]["count"], 1);
        let wrong = shop.get("/data-map/diff?from=7&to=9").await;
        wrong.expect_problem(404, "data-map-not-found");
        for query in ["from=x", "to=", "version=1", "from=99999999999999999999"] {
            let refused = shop.get(&format!("/data-map/diff?{query}")).await;
            refused.expect_problem(400, "invalid-query");
        }
    }

    async fn the_register_is_json_and_csv(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let over = json!({
            "app": { "controller": { "name": "=HYPERLINK(\"https://evil.example\")" } },
            "purposes": { "delivery": { "title": "Delivery, \"fast\"" } },
        });
        shop.put("/data-map", &merge(data_map(), &over)).await.expect_status(201);
        let register = shop.get("/register").await.expect_status(200);
        let activities = register.body["activities"].as_array().unwrap();
        assert_eq!(activities.len(), 3);
        assert_eq!(activities[0]["data"][0]["kept_for"], "P10Y");
        assert_eq!(activities[0]["subject_kinds"], json!(["customers"]));
        let missing = register.body["missing"].as_array().unwrap();
        assert!(missing.iter().any(|m| m["letter"] == "30(2)(a)"));
        let csv = as_media(&shop, "/register", "text/csv").await.expect_status(200);
        assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
        let text = String::from_utf8(csv.bytes).unwrap();
        assert!(text.starts_with("record_of,controller (a),"));
        assert_eq!(text.lines().count(), 5);
        assert!(text.contains("\"Delivery, \"\"fast\"\"\""));
        assert!(text.contains("\"'=HYPERLINK") && !text.contains("\"=HYPERLINK"), "{text}");
    }

    async fn the_privacy_notice_is_written_in_each_language(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        for (language, title) in [
            ("en", "How we process your personal data"),
            ("fr", "Comment nous traitons vos données personnelles"),
            ("de", "Wie wir Ihre personenbezogenen Daten verarbeiten"),
        ] {
            let path = format!("/privacy-notice?language={language}");
            let notice = shop.get(&path).await.expect_status(200);
            assert_eq!(notice.text("/title"), title);
            assert_eq!(notice.text("/language"), language);
            let markdown = as_media(&shop, &path, "text/markdown").await.expect_status(200);
            assert_eq!(markdown.header("content-type"), Some("text/markdown; charset=utf-8"));
            let text = String::from_utf8(markdown.bytes).unwrap();
            assert!(text.starts_with(&format!("# {title}\n")));
            assert!(text.contains("privacy@shop.example"));
        }
        for language in ["es", "EN", "en-GB", ""] {
            let refused = shop.get(&format!("/privacy-notice?language={language}")).await;
            refused.expect_problem(404, "language-not-found");
            assert_eq!(refused.text("/detail"), "The languages are de, en, fr.");
        }
        shop.get("/privacy-notice").await.expect_problem(400, "invalid-query");
    }
    async fn a_breach_is_sized_by_what_one_client_read(engine: Engine) {
        let server = TestServer::start(engine).await;
        let (shop, market) = (server.app("shop").await, server.app("market").await);
        let admin = server.staff(Role::Admin, "*").await.for_app("shop");
        let (till, id) = (server.client(&admin, "shop", None).await, newest_client(&shop).await);
        let (ada, bob) = (customer(&shop, "ada").await, customer(&shop, "bob").await);
        read(&till, &ada).await;
        read(&till, &ada).await;
        read(&till, &bob).await;
        read(&shop, &bob).await;
        till.get(&format!("/subjects/{bob}/consents")).await.expect_status(200);
        till.export("access", &ada).await;
        let window = "from=2026-01-01T00:00:00Z&to=2099-01-01T00:00:00Z";
        let path = format!("/audit/exposure?client={id}&{window}");
        let found = shop.get(&path).await.expect_status(200).body;
        let totals = &found["totals"];
        assert_eq!((&totals["subjects"], &totals["reads"]), (&json!(2), &json!(5)));
        assert_eq!((&totals["consents"], &totals["exports"]), (&json!(1), &json!(1)));
        assert_eq!(totals["categories"]["profile"], json!({ "city": 2, "name": 2 }));
        assert_eq!(totals["erased"], json!({ "subjects": 0, "reads": 0 }));
        let of_ada = found["subjects"].as_array().unwrap().iter().find(|s| s["subject"] == *ada);
        let of_ada = of_ada.unwrap();
        assert_eq!((&of_ada["reads"], &of_ada["exports"]), (&json!(3), &json!(1)));
        assert_eq!(of_ada["purposes"], json!(["delivery"]));
        assert_eq!(of_ada["categories"], json!({ "profile": ["city", "name"] }));
        assert!(of_ada["first_at"].as_str() <= of_ada["last_at"].as_str());

        let first = shop.get(&format!("{path}&limit=1")).await.expect_status(200).body;
        let next = first["next"].as_str().unwrap();
        let second = shop.get(&format!("{path}&limit=1&cursor={next}")).await.expect_status(200);
        assert_eq!(second.body["totals"], Value::Null);
        assert_eq!(second.body["subjects"][0], found["subjects"][1]);
        assert_eq!(second.body["next"], Value::Null);

        shop.erase(&ada).await;
        let found = shop.get(&path).await.expect_status(200).body;
        assert_eq!(found["totals"]["erased"], json!({ "subjects": 1, "reads": 3 }));
        assert_eq!(found["totals"]["subjects"], 1);
        assert!(!found.to_string().contains(&ada));
        let asked = shop.get("/events?type=audit.exposure").await.expect_status(200).body;
        assert_eq!(asked["items"].as_array().unwrap().len(), 4);
        assert_eq!(asked["items"][0]["leaf"]["facts"]["by"], format!("client:{id}"));

        market.get(&path).await.expect_problem(404, "client-not-found");
        for (query, status, slug) in [
            (format!("client=shop.{}", "0".repeat(32)), 404, "client-not-found"),
            (format!("staff=usr_{}", "0".repeat(32)), 404, "user-not-found"),
            (format!("client={id}&staff=usr_{}", "0".repeat(32)), 400, "invalid-query"),
            ("client=shop".to_owned(), 400, "invalid-query"),
            ("staff=x".to_owned(), 400, "invalid-query"),
            ("from=yesterday".to_owned(), 422, "invalid-time"),
            ("to=2026-02-30T00:00:00Z".to_owned(), 422, "invalid-time"),
            ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z".to_owned(), 400, "invalid-query"),
        ] {
            let refused = shop.get(&format!("/audit/exposure?{query}")).await;
            refused.expect_problem(status, slug);
        }
    }

    async fn the_log_is_searched_and_exported(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let (ada, bob) = (customer(&shop, "ada").await, customer(&shop, "bob").await);
        read(&shop, &ada).await;
        read(&shop, &bob).await;
        let reads = shop.all_pages("/events", 3).await;
        let reads: Vec<&Value> =
            reads.iter().filter(|event| event["leaf"]["type"] == "record.read").collect();
        let found = shop.get("/events?type=record.read").await.expect_status(200).body;
        assert_eq!(found["items"].as_array().unwrap().iter().collect::<Vec<_>>(), reads);
        let path = format!("/events?subject={ada}&type=record.read&include=payload");
        let hers = shop.get(&path).await.expect_status(200).body;
        assert_eq!(hers["items"].as_array().unwrap().len(), 1);
        assert_eq!(hers["items"][0]["payload"]["purpose"], "delivery");
        assert_eq!(hers["items"][0]["leaf"], reads[0]["leaf"]);
        let by = reads[0]["leaf"]["actor"].as_str().unwrap();
        let path = format!("/events?actor={by}&type=record.read&limit=1");
        let first = shop.get(&path).await.expect_status(200).body;
        let next = first["next"].as_str().unwrap();
        let second = shop.get(&format!("{path}&cursor={next}")).await.expect_status(200).body;
        assert_eq!(second["items"][0], *reads[1]);

        let whole = shop.get("/events?limit=1000").await.expect_status(200).body;
        let lines = shop.get("/events/export").await.expect_status(200);
        assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
        let text = String::from_utf8(lines.bytes).unwrap();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(whole["items"], json!(lines));
        let csv = as_media(&shop, "/events/export?type=record.read", "text/csv").await;
        let csv = csv.expect_status(200);
        assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
        let text = String::from_utf8(csv.bytes).unwrap();
        let rows: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(rows[0], "event,at,type,actor,subject_ref,reasons,leaf,payload");
        assert_eq!((rows.len(), rows[3]), (4, ""));
        assert!(rows[1].starts_with(reads[0]["event"].as_str().unwrap()));
        let exports = shop.get("/events?type=events.exported").await.expect_status(200).body;
        assert_eq!(exports["items"].as_array().unwrap().len(), 2);

        // Every type that the log holds can be searched for.
        for event in whole["items"].as_array().unwrap() {
            let kind = event["leaf"]["type"].as_str().unwrap();
            let found = shop.get(&format!("/events?type={kind}&limit=1")).await.expect_status(200);
            assert_eq!(found.body["items"].as_array().unwrap().len(), 1, "{kind}");
        }
        for list in ["/events", "/events/export"] {
            for (query, status, slug) in [
                ("type=record.reads", 400, "invalid-query"),
                ("type=", 400, "invalid-query"),
                ("actor=ada", 400, "invalid-query"),
                ("actor=client:market.00000000000000000000000000000000", 404, "client-not-found"),
                ("subject=ada", 400, "invalid-query"),
                ("subject=sub_00000000000000000000000000000000", 404, "subject-not-found"),
                ("from=x", 422, "invalid-time"),
                ("from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", 400, "invalid-query"),
                ("include=values", 400, "invalid-query"),
                ("kind=record.read", 400, "invalid-query"),
            ] {
                shop.get(&format!("{list}?{query}")).await.expect_problem(status, slug);
            }
        }
        shop.erase(&ada).await;
        let gone = shop.get(&format!("/events?subject={ada}")).await;
        gone.expect_problem(404, "subject-not-found");
        let left = shop.get("/events?type=record.read&include=payload").await.expect_status(200);
        assert_eq!(left.body["items"][0].get("payload"), None);
        assert_eq!(left.body["items"][0]["leaf"], reads[0]["leaf"]);
    }
}
