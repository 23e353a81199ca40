//! Personal data is in the encrypted fields and in the answers that ask for it, and nowhere else:
//! every kind of it is sent to a real process in every way, good and bad, and then looked for.

mod accountability;
mod holds;
mod import;
mod receipts;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oubli_tests::raw::{self, Place};
use oubli_tests::{Caller, Reply, both_engines};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

mod reads;

use crate::processes::installation::{Installation, open_shop};

const EMAIL: &str = "Kanarek.Jedna@kanárek-doména.example";
const PHONE: &str = "+420 601 777 881";
const EXTERNAL: &str = "kanárek/ext-77001";
const NAME: &str = "Žofie Kanárková-77002";
const ADDRESS: &str = "Kanárčí ulička 77003";
const CITY: &str = "Kanarkov-77004";
const PATCHED: &str = "Kanarkov-nad-77005";
const INVOICE: &str = "Kanarek na faktuře 77006";
/// Only ever sent where it does not belong.
const ASTRAY: &str = "zabloudilý.kanárek@77007.example";
const ASTRAY_PLAIN: &str = "zabloudilykanarek";

/// What is looked for: the values, and their normal forms.
const CANARIES: [&str; 16] = [
    EMAIL,
    PHONE,
    EXTERNAL,
    NAME,
    ADDRESS,
    CITY,
    PATCHED,
    INVOICE,
    ASTRAY,
    ASTRAY_PLAIN,
    receipts::GPP,
    holds::NOTE,
    "Kanarek.Jedna@",
    "xn--kanrek-domna",
    "420601777881",
    "601 777 881",
];

/// What was answered where no personal data belongs.
#[derive(Default)]
struct Told(Vec<Place>);

impl Told {
    async fn by(&mut self, what: &str, request: RequestBuilder) -> Reply {
        let reply = Reply::of(request).await;
        let headers = reply.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
        let text = [headers.collect::<String>().as_bytes(), &reply.bytes].concat();
        self.0.push((format!("the answer to {what} ({})", reply.status), text));
        assert!(reply.status < 500, "{what}: {}", reply.body);
        reply
    }

    /// Sends JSON; every such call succeeds.
    async fn json(&mut self, shop: &Caller, method: Method, path: &str, body: &Value) -> Reply {
        let media = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = shop.request(method, path).header("content-type", media);
        let reply = self.by(path, request.body(body.to_string())).await;
        assert!(reply.status < 300, "{path}: {}", reply.body);
        reply
    }
}

#[track_caller]
fn expect_nowhere(places: &[Place]) {
    for canary in CANARIES {
        let found = raw::find(canary, places);
        assert!(found.is_empty(), "{canary} is in {found:?}");
    }
}

fn identifier(kind: &str, value: &str) -> Value {
    json!({ "type": kind, "value": value })
}

/// Puts the data in by every way that there is.
async fn put_in(told: &mut Told, shop: &Caller) -> String {
    let all = [("email", EMAIL), ("phone", PHONE), ("external_id", EXTERNAL)];
    let ids: Vec<Value> = all.iter().map(|(kind, value)| identifier(kind, value)).collect();
    let new = json!({ "identifiers": &ids[..2] });
    let subject = told.json(shop, Method::POST, "/subjects", &new).await.text("/subject");
    let below = |path: &str| format!("/subjects/{subject}{path}");
    told.json(shop, Method::POST, &below("/identifiers"), &ids[2]).await;
    told.json(shop, Method::POST, "/subjects:ensure", &json!({ "identifiers": ids })).await;
    let profile = json!({ "name": NAME, "address": ADDRESS, "email": EMAIL, "phone": PHONE });
    told.json(shop, Method::PUT, &below("/records/profile/main"), &profile).await;
    told.json(shop, Method::PATCH, &below("/records/profile/main"), &json!({ "city": CITY })).await;
    let patch = shop.request(Method::PATCH, &below("/records/profile/main"));
    let patch = patch.header("content-type", "application/merge-patch+json");
    let patch =
        patch.header("idempotency-key", "once").body(json!({ "city": PATCHED }).to_string());
    for again in [patch.try_clone().unwrap(), patch] {
        told.by("a patch with a key", again).await.expect_status(200);
    }
    for (id, by) in ids.iter().enumerate() {
        let invoice = json!({ "date": "2026-03-01", "address": INVOICE });
        let record = format!("i-{id}");
        let good = json!({
            "identifier": by, "category": "invoice", "record": record, "body": invoice,
        });
        let body = json!({ ASTRAY: NAME, "city": [CITY] });
        let bad = json!({
            "identifier": by, "category": "profile", "record": "bad", "body": body,
        });
        told.json(shop, Method::POST, "/records:batch", &json!({ "items": [good, bad] })).await;
        told.json(shop, Method::POST, "/subjects:lookup", &json!({ "identifier": by })).await;
        told.json(shop, Method::POST, "/requests:preview", &json!({ "identifier": by })).await;
        let check = json!({ "identifier": by, "purpose": "newsletter" });
        told.json(shop, Method::POST, "/consents:check", &check).await;
        told.json(shop, Method::POST, "/consents:check-batch", &json!({ "items": [check] })).await;
        let event = json!({ "identifier": by, "purpose": "newsletter", "action": "refused" });
        told.json(shop, Method::POST, "/consents:batch", &json!({ "items": [event] })).await;
    }
    subject
}

/// Sends data where it does not belong: all of it is refused.
async fn send_astray(told: &mut Told, shop: &Caller, subject: &str) {
    let encoded = "zabloudil%C3%BD.kan%C3%A1rek%4077007.example";
    let record = format!("/subjects/{subject}/records/profile/main");
    for path in [
        format!("/subjects/{encoded}"),
        format!("/{encoded}"),
        format!("/v1/{ASTRAY_PLAIN}"),
        format!("/v1/apps/{ASTRAY_PLAIN}/subjects"),
        format!("/subjects?cursor={encoded}"),
        format!("/subjects?{ASTRAY_PLAIN}={encoded}"),
        format!("/requests?subject={encoded}"),
        format!("/subjects/{subject}/records/profile/{ASTRAY_PLAIN}?purpose=delivery"),
        format!("/subjects/{subject}/records/{ASTRAY_PLAIN}/x?purpose=delivery"),
        format!("{record}?purpose={ASTRAY_PLAIN}"),
        format!("{record}?purpose={encoded}"),
        format!("/subjects/{subject}/consents?at={encoded}"),
        format!("/notices/{encoded}"),
        format!("{record}?purpose=newsletter"),
        format!("/exports/{encoded}"),
        format!("/clients/{encoded}"),
        format!("/openapi.json/{encoded}"),
    ] {
        let reply = told.by(&format!("GET {path}"), shop.request(Method::GET, &path)).await;
        assert!(reply.status >= 400, "{path}: {}", reply.status);
    }
    let texts = [
        format!("{{\"{ASTRAY}\": "),
        format!("{ASTRAY} {NAME}"),
        format!("{{\"{ASTRAY}\":1}}"),
        format!("{{\"{ASTRAY_PLAIN}\":\"{NAME}\"}}"),
        format!("[\"{NAME}\"]"),
        format!("\"{ASTRAY}\""),
        format!("{{\"identifiers\":[{{\"type\":\"{ASTRAY_PLAIN}\",\"value\":\"{NAME}\"}}]}}"),
        format!("{{\"identifiers\":[{{\"type\":\"email\",\"value\":\"{NAME}\"}}]}}"),
        format!("{{\"identifiers\":[{{\"type\":\"phone\",\"value\":\"{ASTRAY}\"}}]}}"),
        format!("{{\"subject\":\"{ASTRAY}\",\"right\":\"{NAME}\",\"received_at\":\"{CITY}\"}}"),
        format!("{{\"purpose\":\"{ASTRAY}\",\"action\":\"{NAME}\"}}"),
        format!("{{\"texts\":{{\"{ASTRAY_PLAIN}\":7}}}}"),
        format!("{{\"city\":{{\"{ASTRAY}\":\"{CITY}\"}}}}"),
    ];
    for path in [
        "/subjects",
        "/subjects:lookup",
        "/records:batch",
        "/requests",
        "/consents:check",
        "/clients",
    ] {
        for text in &texts {
            let post = shop.request(Method::POST, path).header("content-type", "application/json");
            let reply = told.by(&format!("POST {path}"), post.body(text.clone())).await;
            assert!(reply.status >= 400, "{text}: {}", reply.status);
        }
    }
    for path in [&record, "/data-map", "/notices/newsletter", "/settings"] {
        for text in &texts {
            let put = shop.request(Method::PUT, path).header("content-type", "application/json");
            told.by(&format!("PUT {path}"), put.body(text.clone())).await;
        }
    }
}

/// Sends data in heads of requests, and as names and secrets.
async fn send_in_heads(told: &mut Told, shop: &Caller, url: &str) {
    let value = || reqwest::header::HeaderValue::from_bytes(ASTRAY.as_bytes()).unwrap();
    for name in [
        "if-match",
        "idempotency-key",
        "user-agent",
        "referer",
        "x-request-id",
        "x-forwarded-for",
        "content-type",
        "accept-language",
        "traceparent",
        "cookie",
        ASTRAY_PLAIN,
    ] {
        let post = shop.request(Method::POST, "/subjects:lookup").header(name, value());
        told.by(name, post.body(json!({ "subject": NAME }).to_string())).await;
    }
    let open = Caller::new(url);
    let method = ASTRAY_PLAIN.to_uppercase().parse().unwrap();
    told.by("a method", open.request(method, "/v1/apps")).await.expect_status(405);
    let bearer = open.request(Method::GET, "/v1/apps").header("authorization", value());
    told.by("a token", bearer).await.expect_status(401);
    let login = json!({ "name": ASTRAY, "password": NAME });
    told.by("a login", open.request(Method::POST, "/v1/staff/login").json(&login))
        .await
        .expect_status(401);
    let token = open.request(Method::POST, "/oauth2/token").basic_auth(ASTRAY, Some(NAME));
    let token = token.header("content-type", "application/x-www-form-urlencoded");
    let form = format!("grant_type=client_credentials&{ASTRAY_PLAIN}=1");
    told.by("a client", token.body(form)).await.expect_status(401);
}

/// What an answer that asks for personal data holds: proof that the search finds what is there.
async fn read(shop: &Caller, subject: &str) {
    let path = format!("/subjects/{subject}/records/profile/main?purpose=delivery");
    let seen = shop.get(&path).await.expect_status(200);
    let bundle = shop.export("access", subject).await;
    let places: Vec<Place> =
        bundle.parts.into_iter().chain([("record".to_owned(), seen.bytes)]).collect();
    for (canary, least) in [(NAME, 2), (PATCHED, 2), (INVOICE, 1), (EMAIL, 1), (EXTERNAL, 1)] {
        assert!(raw::find(canary, &places).len() >= least, "{canary} is not handed out");
    }
}

async fn look_around(told: &mut Told, shop: &Caller, subject: &str) {
    for path in [
        "/events?limit=1000",
        "/requests",
        "/subjects",
        "/clients",
        "/settings",
        "/data-map",
        &format!("/subjects/{subject}"),
        &format!("/subjects/{subject}/consents"),
        &format!("/subjects/{subject}/records/profile/main/versions"),
        "/health/ready",
        "/v1/apps/shop",
    ] {
        told.by(path, shop.request(Method::GET, path)).await;
    }
}

/// Everything that the installation keeps: databases with their logs, journal, logs.
async fn kept(place: &Installation) -> Vec<Place> {
    let mut kept = raw::files(place.dir.path(), &["oubli.lock"]);
    if let Some(databases) = &place.databases {
        kept.extend(raw::tables(databases.data_url()).await);
        kept.extend(raw::tables(databases.keys_url()).await);
    }
    // A purpose's name stands in clear in the databases, and a route's template in the log.
    for clear in ["newsletter", "{subject}/records/{category}"] {
        assert!(!raw::find(clear, &kept).is_empty(), "the search does not find {clear}");
    }
    kept
}

both_engines! {
    async fn personal_data_is_nowhere_it_does_not_belong(engine: Engine) {
        let place = Installation::new(engine).await;
        let client = place.shop().await;
        holds::appoint(&place).await;
        let process = place.start_logging("all", "trace").await;
        let shop = open_shop(&process, &client).await;
        let mut told = Told::default();
        let subject = put_in(&mut told, &shop).await;
        receipts::put_in(&mut told, &shop, &subject).await;
        import::bring(&mut told, &shop, &place).await;
        send_astray(&mut told, &shop, &subject).await;
        send_in_heads(&mut told, &shop, &process.url).await;
        read(&shop, &subject).await;
        reads::read_many(&mut told, &shop, &subject).await;
        accountability::ask(&mut told, &shop, &subject).await;
        let dpo = holds::put_in(&mut told, &shop, &subject).await;
        look_around(&mut told, &shop, &subject).await;
        expect_nowhere(&kept(&place).await);

        let erase = json!({ "right": "erasure", "identifier": identifier("email", EMAIL) });
        let request = told.json(&shop, Method::POST, "/requests", &erase).await.text("/request");
        shop.completed(&request).await;
        let path = format!("/requests/{request}/certificate");
        let certificate = told.by("the certificate", shop.request(Method::GET, &path)).await;
        let certificate = String::from_utf8(certificate.expect_status(200).bytes).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(certificate.split('.').nth(1).unwrap()).unwrap();
        told.0.push(("the certificate's claims".to_owned(), claims));
        look_around(&mut told, &shop, &subject).await;
        holds::look_after(&mut told, &dpo).await;
        expect_nowhere(&told.0);
        process.stop().await;
        expect_nowhere(&kept(&place).await);
    }
}
