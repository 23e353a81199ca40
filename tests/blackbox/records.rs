//! Records: what goes in comes out, for a purpose alone.

use oubli_tests::{Caller, Reply, TestServer, both_engines, data_map, merge};
use reqwest::Method;
use serde_json::{Value, json};

/// A category whose fields have every type, and a purpose that reads all of it.
fn typed_map() -> Value {
    let field = |schema: Value| json!({ "schema": schema, "classification": "other", "origin": "provided" });
    let any = json!({ "type": ["null", "boolean", "number", "string", "array", "object"] });
    let typed = json!({
        "categories": { "thing": {
            "title": "Things", "clock_start": { "from": "created" },
            "fields": {
                "any": field(any),
                "whole": field(json!({ "type": "integer", "minimum": 0 })),
                "number": field(json!({ "type": "number", "maximum": 100 })),
                "truth": field(json!({ "type": "boolean" })),
                "text": field(json!({ "type": "string", "maxLength": 5 })),
                "word": field(json!({ "type": "string", "pattern": "^[a-z]+$" })),
                "choice": field(json!({ "type": "string", "enum": ["red", "blue"] })),
                "day": field(json!({ "type": "string", "format": "date" })),
                "mail": field(json!({ "type": "string", "format": "email" })),
                "list": field(json!({
                    "type": "array", "items": { "type": "string" }, "maxItems": 2 })),
                "place": field(json!({
                    "type": "object", "required": ["city"], "additionalProperties": false,
                    "properties": { "city": { "type": "string" } },
                })),
            },
        } },
        "purposes": { "support": {
            "title": "Support", "lawful_basis": "contract", "reads": { "thing": ["*"] },
        } },
    });
    merge(data_map(), &typed)
}

async fn typed_shop(server: &TestServer) -> Caller {
    let shop = server.app("shop").await;
    shop.put("/data-map", &typed_map()).await.expect_status(201);
    shop
}

/// Puts JSON text as it is, and gives the text of a member as it comes back.
async fn echo(shop: &Caller, record: &str, text: &str) -> String {
    let put = shop.request(Method::PUT, record).header("content-type", "application/json");
    let put = Reply::of(put.body(format!(r#"{{"any":{text}}}"#))).await;
    assert!(matches!(put.status, 200 | 201), "{text}: {}", put.body);
    let read = shop.get(&format!("{record}?purpose=support")).await.expect_status(200);
    let body = String::from_utf8(read.bytes).unwrap();
    let (_, rest) = body.split_once(r#""any":"#).unwrap();
    rest.strip_suffix("}}").unwrap().to_owned()
}

both_engines! {
    async fn a_record_is_put_read_patched_and_deleted(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/profile/main");
        let read = format!("{record}?purpose=delivery");
        shop.get(&read).await.expect_problem(404, "record-not-found");
        shop.patch(&record, &json!({})).await.expect_problem(404, "record-not-found");
        shop.delete(&record).await.expect_problem(404, "record-not-found");

        let put = json!({ "name": "Ada", "city": "London", "country": null });
        let created = shop.put(&record, &put).await.expect_status(201);
        assert_eq!((created.header("etag"), &created.body["version"]), (Some("\"1\""), &json!(1)));
        assert_eq!(shop.get(&read).await.expect_status(200).body["body"], put);
        let replaced = shop.put(&record, &json!({ "name": "Ada" })).await.expect_status(200);
        assert_eq!(replaced.header("etag"), Some("\"2\""));
        let patch = json!({ "city": "Paris", "name": null, "address": "Rue" });
        shop.patch(&record, &patch).await.expect_status(200);
        let seen = shop.get(&read).await.expect_status(200);
        assert_eq!(seen.body["body"], json!({ "city": "Paris", "address": "Rue" }));
        assert_eq!((seen.header("etag"), &seen.body["version"]), (Some("\"3\""), &json!(3)));
        shop.delete(&record).await.expect_status(204);
        shop.get(&read).await.expect_problem(404, "record-not-found");
        // A record that comes back goes on counting: an old entity tag never fits again.
        let back = shop.put(&record, &put).await.expect_status(201);
        assert_eq!(back.header("etag"), Some("\"5\""));

        let versions = shop.all_pages(&format!("{record}/versions"), 2).await;
        let told: Vec<(&Value, &Value, &Value)> =
            versions.iter().map(|v| (&v["version"], &v["change"], &v["changed"])).collect();
        assert_eq!(told, [
            (&json!(1), &json!("created"), &json!(["city", "country", "name"])),
            (&json!(2), &json!("updated"), &json!(["city", "country"])),
            (&json!(3), &json!("updated"), &json!(["address", "city", "name"])),
            (&json!(4), &json!("deleted"), &json!(["address", "city"])),
            (&json!(5), &json!("created"), &json!(["city", "country", "name"])),
        ]);
        let text = Value::from(versions).to_string();
        assert!(!text.contains("Paris") && !text.contains("Ada"), "versions hold no values");
    }

    async fn a_condition_must_hold(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/profile/main");
        let conditional = |method: Method, name: &'static str, value: &'static str| {
            let request = shop.request(method.clone(), &record).header(name, value);
            match method {
                Method::DELETE => request,
                _ => request.json(&json!({ "name": "Ada" })),
            }
        };
        for (name, value) in [("if-match", "*"), ("if-match", "\"1\"")] {
            let put = Reply::of(conditional(Method::PUT, name, value)).await;
            put.expect_problem(412, "version-mismatch");
        }
        let absent = ("if-none-match", "*");
        Reply::of(conditional(Method::PUT, absent.0, absent.1)).await.expect_status(201);
        let again = Reply::of(conditional(Method::PUT, absent.0, absent.1)).await;
        again.expect_problem(412, "version-mismatch");
        Reply::of(conditional(Method::PUT, "if-match", "\"1\"")).await.expect_status(200);
        for stale in ["\"1\"", "\"3\"", "\"x\"", "2", "W/\"2\""] {
            for method in [Method::PUT, Method::DELETE] {
                let refused = Reply::of(conditional(method, "if-match", stale)).await;
                refused.expect_problem(412, "version-mismatch");
            }
        }
        Reply::of(conditional(Method::PUT, "if-match", "*")).await.expect_status(200);
        Reply::of(conditional(Method::DELETE, "if-match", "\"3\"")).await.expect_status(204);
        assert_eq!(shop.all_pages(&format!("{record}/versions"), 100).await.len(), 4);
    }

    async fn a_purpose_gives_exactly_its_fields(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let profile = json!({
            "name": "n", "email": "e", "phone": "p", "address": "a", "city": "c", "country": "l",
        });
        let invoice = json!({ "date": "2025-03-01", "total": 1.5, "address": "a" });
        let (of_profile, of_invoice) = (
            format!("/subjects/{ada}/records/profile/main"),
            format!("/subjects/{ada}/records/invoice/1"),
        );
        shop.put(&of_profile, &profile).await.expect_status(201);
        shop.put(&of_invoice, &invoice).await.expect_status(201);
        shop.grant(&ada).await.expect_status(201);
        for (record, purpose, expected) in [
            (&of_profile, "newsletter", json!({ "name": "n", "email": "e" })),
            (&of_profile, "delivery",
                json!({ "name": "n", "address": "a", "city": "c", "country": "l" })),
            (&of_invoice, "delivery", json!({ "address": "a" })),
            (&of_invoice, "accounts", invoice.clone()),
        ] {
            let seen = shop.get(&format!("{record}?purpose={purpose}")).await.expect_status(200);
            assert_eq!(seen.body["body"], expected, "{purpose}");
        }
        for (record, purpose) in [(&of_profile, "accounts"), (&of_invoice, "newsletter")] {
            let refused = shop.get(&format!("{record}?purpose={purpose}")).await;
            refused.expect_problem(403, "purpose-not-permitted");
        }
        for purpose in ["nothing", "subject-request", "policy-evaluation", ""] {
            let refused = shop.get(&format!("{of_profile}?purpose={purpose}")).await;
            assert!(matches!(refused.status, 400 | 422), "{purpose}: {}", refused.body);
        }
        shop.get(&of_profile).await.expect_problem(400, "invalid-query");
    }

    async fn a_value_must_fit_its_declared_type(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = typed_shop(&server).await;
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/thing/one");
        for (field, good, bad) in [
            ("whole", json!(7), json!([7.5, -1, "7", null, true])),
            ("number", json!(99.5), json!([101, "1", null, []])),
            ("truth", json!(false), json!(["false", 0, null])),
            ("text", json!("žluťo"), json!(["žluťou", 1, null, ["a"]])),
            ("word", json!("abc"), json!(["ABC", "", "a b"])),
            ("choice", json!("red"), json!(["green", "RED", 1])),
            ("day", json!("2024-02-29"), json!(["2023-02-29", "29.2.2024", "2101-01-01", ""])),
            ("mail", json!("a@b.example"), json!(["a", 1])),
            ("list", json!(["a", "b"]), json!([["a", 1], ["a", "b", "c"], "a"])),
            ("place", json!({ "city": "x" }), json!([{}, { "city": 1 }, { "city": "x", "y": 1 }])),
        ] {
            let put = shop.put(&record, &json!({ field: good })).await;
            assert!(put.status < 300, "{field}: {}", put.body);
            for value in bad.as_array().unwrap() {
                let refused = shop.put(&record, &json!({ field: value })).await;
                refused.expect_problem(422, "invalid-record");
                let pointer = refused.text("/errors/0/pointer");
                assert!(pointer.starts_with(&format!("/{field}")), "{field} {value}: {pointer}");
                shop.patch(&record, &json!({ field: value })).await; // null takes it out
            }
            shop.put(&record, &json!({ field: good })).await.expect_status(200);
            let read = shop.get(&format!("{record}?purpose=support")).await.expect_status(200);
            assert_eq!(read.body["body"], json!({ field: good }));
        }
        let unknown = shop.put(&record, &json!({ "secret_name": 1 })).await;
        unknown.expect_problem(422, "invalid-record");
        assert!(!unknown.body.to_string().contains("secret_name"));
        let nowhere = format!("/subjects/{ada}/records/nothing/one");
        shop.put(&nowhere, &json!({})).await.expect_problem(422, "unknown-category");
        let invoice = format!("/subjects/{ada}/records/invoice/one");
        let lacks = shop.put(&invoice, &json!({ "total": 1 })).await;
        lacks.expect_problem(422, "invalid-record");
        assert_eq!(lacks.text("/errors/0/pointer"), "/date");
    }

    async fn texts_come_back_as_they_were(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = typed_shop(&server).await;
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/thing/one");
        for text in [
            "Łódź, Ærø, Ťažký, İstanbul, straße", "Ada e\u{301} \u{e9}", "東京都 渋谷区",
            "שלום עולם", "مرحبا", "🙂👩‍👩‍👧‍👦🏳️‍🌈", "\u{1}\u{1f}\u{7f}\t\r\n \"\\/", "\u{feff}x\u{200b}",
            "\u{fffd}\u{ffff}\u{10ffff}", " spaces  stay ", "", "<script>'\";--",
        ] {
            let body = json!({ "any": { text: [text] } });
            shop.put(&record, &body).await;
            let read = shop.get(&format!("{record}?purpose=support")).await.expect_status(200);
            assert_eq!(read.body["body"], body);
        }
    }

    async fn numbers_come_back_digit_by_digit(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = typed_shop(&server).await;
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/thing/one");
        for exact in [
            "0", "-1", "9007199254740993", "-9007199254740993", "9223372036854775807",
            "-9223372036854775808", "18446744073709551615", "0.1", "12.5", "1.98",
            "0.30000000000000004", "1.7976931348623157e308", "5e-324", "123456789.12345679",
            "122.416294033786585", "0.00011999999999999999", "true", "null", "[1,1.5,{\"a\":-0.25}]",
        ] {
            // The shortest text of the same double is what comes back.
            let expected = match exact.parse::<f64>() {
                Ok(number) if exact.contains(['.', 'e']) => json!(number).to_string(),
                _ => exact.to_owned(),
            };
            assert_eq!(echo(&shop, &record, exact).await, expected);
        }
    }

    async fn a_batch_of_a_thousand_has_a_result_for_each(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let mut people = Vec::new();
        for n in 0..10 {
            people.push(shop.subject(&format!("person-{n}@example.org")).await);
        }
        let there = format!("/subjects/{}/records/invoice/i-0", people[0]);
        shop.put(&there, &json!({ "date": "2020-01-01" })).await.expect_status(201);
        let item = |n: usize| {
            let mut item = json!({
                "subject": people[n % 10], "category": "invoice", "record": format!("i-{n}"),
                "body": { "date": "2025-03-01", "total": n },
            });
            let (over, status, problem) = match n % 10 {
                1 => (json!({ "category": "nothing" }), 422, "unknown-category"),
                2 => (json!({ "body": { "total": -1 } }), 422, "invalid-record"),
                3 => (json!({ "subject": "sub_00000000000070008000000000000000" }), 404,
                    "subject-not-found"),
                4 => (json!({ "if_version": 1 }), 412, "version-mismatch"),
                5 => {
                    let nobody = json!({ "type": "email", "value": "nobody@example.org" });
                    (json!({ "subject": null, "identifier": nobody }), 404, "subject-not-found")
                }
                6 => {
                    let known = json!({ "type": "email", "value": "PERSON-6@example.org" });
                    (json!({ "subject": null, "identifier": known }), 201, "")
                }
                7 => (json!({ "if_version": 0 }), 201, ""),
                _ => (json!({}), if n == 0 { 200 } else { 201 }, ""),
            };
            item = merge(item, &over);
            (item, status, problem)
        };
        let wanted: Vec<(Value, i32, &str)> = (0..1000).map(item).collect();
        let items: Vec<&Value> = wanted.iter().map(|(item, ..)| item).collect();
        let reply = shop.post("/records:batch", &json!({ "items": items })).await.expect_status(200);
        let results = reply.body["items"].as_array().unwrap();
        assert_eq!(results.len(), 1000);
        for (n, (result, (_, status, problem))) in results.iter().zip(&wanted).enumerate() {
            assert_eq!(result["status"], *status, "{n}: {result}");
            // The answer is remembered for a day: it names nobody.
            assert_eq!(result.get("subject"), None);
            if !problem.is_empty() {
                assert_eq!(result["problem"], format!("/problems/{problem}"), "{n}");
            }
        }
        for n in [0, 6, 7, 8, 9, 990, 996, 999] {
            let path = format!("/subjects/{}/records/invoice/i-{n}", people[n % 10]);
            let read = shop.get(&format!("{path}?purpose=accounts")).await.expect_status(200);
            assert_eq!(read.body["body"], json!({ "date": "2025-03-01", "total": n }));
        }
        for n in [2, 4, 992] {
            let path = format!("/subjects/{}/records/invoice/i-{n}", people[n % 10]);
            let read = shop.get(&format!("{path}?purpose=accounts")).await;
            read.expect_problem(404, "record-not-found");
        }
    }

    async fn a_batch_has_bounds(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let item = |n: usize| json!({
            "subject": ada, "category": "profile", "record": format!("r-{n}"), "body": {},
        });
        let batch = |items: Vec<Value>| json!({ "items": items });
        let too_many = batch((0..1001).map(item).collect());
        for refused in [batch(vec![]), too_many, batch(vec![item(1), item(2), item(1)])] {
            shop.post("/records:batch", &refused).await.expect_problem(422, "invalid-body");
        }
        let one = format!("/subjects/{ada}/records/profile/r-1?purpose=delivery");
        shop.get(&one).await.expect_problem(404, "record-not-found");
    }
}
