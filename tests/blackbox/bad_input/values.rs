//! Values that have the documented shape and are wrong all the same, each by the operation that
//! takes it.

use oubli_tests::{both_engines, data_map, merge};
use reqwest::Method;
use serde_json::{Value, json};

use super::world::{MARK, PLAIN, World};

/// A body that is refused: status, slug, and the first wrong place when one is named.
type Case = (Value, u16, &'static str, Option<&'static str>);

async fn expect_all(world: &World, method: Method, path: &str, cases: Vec<Case>) {
    for (body, status, slug, pointer) in cases {
        let reply = world.refused_json((method.clone(), path), &body, status, slug).await;
        let named = reply.body.pointer("/errors/0/pointer").and_then(Value::as_str);
        assert_eq!(named, pointer, "{body}: {}", reply.body);
    }
}

/// A refusal by the shape of the body at a place.
fn shape(body: Value, pointer: &'static str) -> Case {
    (body, 422, "invalid-body", Some(pointer))
}

fn record(body: Value, pointer: &'static str) -> Case {
    (body, 422, "invalid-record", Some(pointer))
}

fn identifier(kind: &str, value: impl Into<Value>) -> Value {
    json!({ "type": kind, "value": value.into() })
}

fn long(length: usize) -> String {
    MARK.repeat(length.div_ceil(MARK.len()))
}

fn wrong_identifiers() -> Vec<Value> {
    let emails = [
        MARK.to_owned(),
        "zq7marker@".to_owned(),
        "@zq7marker.example".to_owned(),
        String::new(),
        "a b@zq7marker.example".to_owned(),
        "zq7marker\u{1}@example.org".to_owned(),
        "zq7marker\n@example.org".to_owned(),
        format!("{}@example.org", long(10_000)),
        format!("a@{}.example", long(64)),
    ];
    let phones =
        [MARK.to_owned(), "123".to_owned(), String::new(), "+0".to_owned(), "1".repeat(10_000)];
    let others =
        [String::new(), " ".to_owned(), "zq7marker\u{7}".to_owned(), long(256), long(10_000)];
    let all =
        [("email", emails.to_vec()), ("phone", phones.to_vec()), ("external_id", others.to_vec())];
    let all = all.into_iter();
    all.flat_map(|(kind, values)| values.into_iter().map(move |v| identifier(kind, v))).collect()
}

both_engines! {
    async fn records_against_the_data_map(engine: Engine) {
        let world = World::new(engine).await;
        let before = world.all().await;
        let put = |path: &str| world.of_ada(&format!("/records{path}"));
        let unknown = vec![(json!({ "name": MARK }), 422, "unknown-category", None)];
        expect_all(&world, Method::PUT, &put("/absent/x"), unknown).await;
        let many: Value = (0..501)
            .map(|n| (format!("{MARK}{n}"), json!(1)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let profile = || {
            vec![
                record(json!({ MARK: 1 }), ""),
                record(json!({ "name": 7 }), "/name"),
                record(json!({ "name": { MARK: MARK } }), "/name"),
                record(json!({ "name": [MARK] }), "/name"),
                record(json!({ "name": "Ada", "city": long(201) }), "/city"),
                record(many.clone(), ""),
                (json!({ "name": long(256 * 1024) }), 413, "too-large", None),
            ]
        };
        expect_all(&world, Method::PUT, &put("/profile/x"), profile()).await;
        expect_all(&world, Method::PATCH, &put("/profile/main"), profile()).await;
        let invoice = vec![
            record(json!({}), "/date"),
            record(json!({ "date": null }), "/date"),
            record(json!({ "date": MARK }), "/date"),
            record(json!({ "date": "2026-02-30" }), "/date"),
            record(json!({ "date": "2100-01-01" }), "/date"),
            record(json!({ "date": "1899-12-31" }), "/date"),
            record(json!({ "date": "2026-01-02", "total": -1 }), "/total"),
            record(json!({ "date": "2026-01-02", "total": MARK }), "/total"),
        ];
        expect_all(&world, Method::PUT, &put("/invoice/x"), invoice).await;
        let gone = vec![(json!({ "name": MARK }), 404, "record-not-found", None)];
        expect_all(&world, Method::PATCH, &put("/profile/absent"), gone).await;
        assert_eq!(world.all().await, before);
    }

    async fn identifiers(engine: Engine) {
        let world = World::new(engine).await;
        let before = world.all().await;
        for wrong in wrong_identifiers() {
            let (one, list) = (json!({ "identifier": wrong }), json!({ "identifiers": [wrong] }));
            let check = json!({ "identifier": wrong, "purpose": "delivery" });
            let request = json!({ "identifier": wrong, "right": "access" });
            for (path, body) in [
                ("/subjects", &list),
                ("/subjects:ensure", &list),
                ("/subjects:lookup", &one),
                ("/requests:preview", &one),
                ("/consents:check", &check),
                ("/requests", &request),
                (&world.of_ada("/identifiers"), &wrong),
            ] {
                world.refused_json((Method::POST, path), body, 422, "invalid-identifier").await;
            }
        }
        let kind = identifier(MARK, MARK);
        expect_all(
            &world,
            Method::POST,
            "/subjects",
            vec![
                shape(json!({ "identifiers": [kind] }), "/identifiers/0/type"),
                shape(json!({ "identifiers": [identifier("email", 7)] }), "/identifiers/0/value"),
                shape(json!({ "identifiers": [{ "type": "email" }] }), "/identifiers/0"),
                shape(json!({ "identifiers": MARK }), "/identifiers"),
                shape(
                    json!({ "identifiers": vec![identifier("external_id", MARK); 21] }),
                    "/identifiers",
                ),
            ],
        )
        .await;
        let other = identifier("email", "zq7marker@x.example");
        let both = json!({ "subject": world.ada, "identifier": other });
        expect_all(
            &world,
            Method::POST,
            "/subjects:lookup",
            vec![
                shape(both, ""),
                shape(json!({}), ""),
                shape(json!({ "subject": MARK }), "/subject"),
                (
                    json!({ "identifier": identifier("email", "zq7marker@example.org") }),
                    404,
                    "subject-not-found",
                    None,
                ),
            ],
        )
        .await;
        assert_eq!(world.all().await, before);
    }

    async fn consents(engine: Engine) {
        let world = World::new(engine).await;
        let before = world.all().await;
        let grant = |over: Value| {
            let grant = json!({
                "purpose": "newsletter", "action": "granted", "notice_version": 1, "language": "en",
            });
            merge(grant, &over)
        };
        let wrong = |over: Value| (grant(over), 422, "invalid-consent", None);
        let id = |id: String| (grant(json!({ "id": id })), 422, "invalid-id", Some("/id"));
        expect_all(
            &world,
            Method::POST,
            &world.of_ada("/consents"),
            vec![
                (grant(json!({ "purpose": "absent" })), 422, "unknown-purpose", None),
                wrong(json!({ "purpose": "delivery" })),
                wrong(json!({ "notice_version": 2 })),
                wrong(json!({ "notice_version": 0 })),
                wrong(json!({ "language": "fr" })),
                wrong(json!({ "language": null })),
                wrong(json!({ "notice_version": null })),
                wrong(json!({ "notice_version": null, "language": null })),
                shape(grant(json!({ "notice_version": -1 })), "/notice_version"),
                shape(grant(json!({ "notice_version": 5_000_000_000_u64 })), "/notice_version"),
                shape(grant(json!({ "notice_version": MARK })), "/notice_version"),
                shape(grant(json!({ "language": "zq7marker!" })), "/language"),
                shape(grant(json!({ "action": MARK })), "/action"),
                shape(grant(json!({ "purpose": "ZQ7marker" })), "/purpose"),
                shape(grant(json!({ "purpose": long(10_000) })), "/purpose"),
                shape(grant(json!({ "occurred_at": "2026-01-01T00:00:00Z" })), "/occurred_at"),
                id(String::new()),
                id(format!("{MARK} x")),
                id(format!("{MARK}\n")),
                id(long(129)),
            ],
        )
        .await;
        let check =
            |over: &Value| merge(json!({ "subject": world.ada, "purpose": "delivery" }), over);
        expect_all(
            &world,
            Method::POST,
            "/consents:check",
            vec![
                (check(&json!({ "purpose": "absent" })), 422, "unknown-purpose", None),
                shape(check(&json!({ "purpose": null })), ""),
                shape(check(&json!({ "subject": null })), ""),
                shape(check(&json!({ "subject": MARK })), "/subject"),
            ],
        )
        .await;
        assert_eq!(world.all().await, before);
    }

    async fn requests(engine: Engine) {
        let world = World::new(engine).await;
        let before = world.all().await;
        let access = |over: Value| merge(json!({ "subject": world.ada, "right": "access" }), &over);
        let at = |at: &str| access(json!({ "received_at": at }));
        expect_all(
            &world,
            Method::POST,
            "/requests",
            vec![
                shape(at("2100-01-01T00:00:00Z"), "/received_at"),
                shape(at("1969-12-31T23:59:59Z"), "/received_at"),
                shape(at("2026-01-31"), "/received_at"),
                shape(at(MARK), "/received_at"),
                (at("2099-12-31T23:59:59Z"), 422, "future-time", Some("/received_at")),
                shape(access(json!({ "right": MARK })), "/right"),
                shape(access(json!({ "right": "restriction" })), "/right"),
                shape(
                    access(json!({ "right": "erasure", "scope": { "categories": ["profile"] } })),
                    "/scope",
                ),
                shape(access(json!({ "subject": null })), ""),
                shape(access(json!({ "subject": MARK })), "/subject"),
                shape(access(json!({ "scope": MARK })), "/scope"),
                shape(access(json!({ "scope": { "fields": { PLAIN: 7 } } })), "/scope/fields"),
                shape(
                    access(json!({ "scope": { "categories": ["ZQ7marker"] } })),
                    "/scope/categories/0",
                ),
            ],
        )
        .await;
        for (scope, slug) in [
            (json!({ "purposes": ["absent"] }), "unknown-purpose"),
            (json!({ "categories": ["absent"] }), "unknown-category"),
            (json!({ "fields": { "absent": ["name"] } }), "unknown-category"),
        ] {
            let body = access(json!({ "scope": scope }));
            world.refused_json((Method::POST, "/requests"), &body, 422, slug).await;
        }
        assert_eq!(world.all().await, before);
    }

    async fn times_in_the_past(engine: Engine) {
        let world = World::new(engine).await;
        for parameter in ["at", "known_at"] {
            for (at, slug) in [
                ("2100-01-01T00:00:00Z", "invalid-time"),
                ("9999-12-31T00:00:00Z", "invalid-time"),
                ("1969-12-31T23:59:59Z", "invalid-time"),
                ("2026-01-31", "invalid-time"),
                ("zq7marker", "invalid-time"),
                ("", "invalid-time"),
                ("2099-01-01T00:00:00Z", "future-time"),
            ] {
                let path = world.of_ada(&format!("/consents?{parameter}={at}"));
                world.refused(world.shop.request(Method::GET, &path), 422, slug).await;
            }
        }
    }

    async fn what_apps_declare(engine: Engine) {
        let world = World::new(engine).await;
        let before = world.all().await;
        let wrong = |over: Value, at| (merge(data_map(), &over), 422, "invalid-data-map", Some(at));
        let newsletter = |over: Value| json!({ "purposes": { "newsletter": over } });
        let name = json!({ "name": { "schema": { "type": "integer" } } });
        let number = json!({ "categories": { "profile": { "fields": name } } });
        let at = "/categories/profile/fields/name/schema/type";
        let maps = vec![
            wrong(json!({ MARK: 1 }), ""),
            wrong(json!({ "app": { "country": "ZQ7marker" } }), "/app/country"),
            wrong(json!({ "app": { "time_zone": "Zq7marker/Nowhere" } }), "/app/time_zone"),
            wrong(newsletter(json!({ "lawful_basis": MARK })), "/purposes/newsletter/lawful_basis"),
            wrong(
                newsletter(json!({ "reads": { "absent": ["*"] } })),
                "/purposes/newsletter/reads/absent",
            ),
            (merge(data_map(), &number), 409, "stored-field-type", Some(at)),
        ];
        expect_all(&world, Method::PUT, "/data-map", maps).await;
        let texts = |texts: Value| json!({ "texts": texts });
        let languages = (0..31).map(|n| (format!("en-{n:03}"), json!(MARK)));
        expect_all(
            &world,
            Method::PUT,
            "/notices/newsletter",
            vec![
                shape(texts(json!({})), "/texts"),
                shape(texts(json!({ "zq7marker!": MARK })), "/texts"),
                shape(texts(json!({ PLAIN: 7 })), "/texts"),
                shape(texts(json!({ "en": "" })), "/texts"),
                shape(texts(json!({ "en": long(64 * 1024 + 9) })), "/texts"),
                shape(texts(Value::Object(languages.collect())), "/texts"),
            ],
        )
        .await;
        expect_all(
            &world,
            Method::PUT,
            "/settings",
            vec![
                shape(json!({ "access_token_seconds": 59 }), "/access_token_seconds"),
                shape(json!({ "access_token_seconds": MARK }), "/access_token_seconds"),
                shape(json!({ "download_hours": 721 }), "/download_hours"),
                shape(json!({ "read_payload_months": 0 }), "/read_payload_months"),
                shape(json!({ "read_payload_months": 121 }), "/read_payload_months"),
            ],
        )
        .await;
        let client = |title: &str, scopes: Value| json!({ "title": title, "scopes": scopes });
        expect_all(
            &world,
            Method::POST,
            "/clients",
            vec![
                shape(client("", json!(["app:read"])), "/title"),
                shape(client(&long(121), json!(["app:read"])), "/title"),
                shape(client(MARK, json!([])), "/scopes"),
                shape(client(MARK, json!(["apps:manage"])), "/scopes"),
                shape(client(MARK, json!([MARK])), "/scopes/0"),
            ],
        )
        .await;
        for (app, title, status, slug) in [
            ("Zq7marker", MARK, 422, "invalid-body"),
            ("zq7 marker", MARK, 422, "invalid-body"),
            ("new", "", 422, "invalid-body"),
            ("shop", MARK, 409, "app-exists"),
        ] {
            let new = world.admin.request(Method::POST, "/v1/apps");
            world.refused(new.json(&json!({ "app": app, "title": title })), status, slug).await;
        }
        assert_eq!(world.all().await, before);
    }
}
