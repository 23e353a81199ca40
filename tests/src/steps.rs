//! Steps that many tests take.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use oubli_app::certificate::{Claims, verify_certificate};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::caller::{Caller, Reply};

impl Caller {
    /// POST of JSON with an `Idempotency-Key`.
    pub async fn post_once(&self, key: &str, path: &str, body: &Value) -> Reply {
        let request = self.request(Method::POST, path).header("idempotency-key", key);
        Reply::of(request.json(body)).await
    }

    /// PUT of JSON that needs this version to be there.
    pub async fn put_if(&self, path: &str, version: i64, body: &Value) -> Reply {
        let request = self.request(Method::PUT, path).header("if-match", format!("\"{version}\""));
        Reply::of(request.json(body)).await
    }

    /// Grants the newsletter under the first version of its notice.
    pub async fn grant(&self, subject: &str) -> Reply {
        let grant = json!({
            "purpose": "newsletter", "action": "granted", "notice_version": 1, "language": "en",
        });
        self.post(&format!("/subjects/{subject}/consents"), &grant).await
    }

    /// Takes the newsletter's consent back, with nothing but the purpose.
    pub async fn withdraw(&self, subject: &str) -> Reply {
        let withdrawal = json!({ "purpose": "newsletter", "action": "withdrawn" });
        self.post(&format!("/subjects/{subject}/consents"), &withdrawal).await
    }

    /// Asks whether the newsletter may be sent.
    pub async fn check(&self, subject: &str) -> Reply {
        let question = json!({ "subject": subject, "purpose": "newsletter" });
        self.post("/consents:check", &question).await
    }

    /// Looks a subject up by an identifier.
    pub async fn lookup(&self, kind: &str, value: &str) -> Reply {
        let wanted = json!({ "identifier": { "type": kind, "value": value } });
        self.post("/subjects:lookup", &wanted).await
    }

    /// Makes a request and gives its id.
    pub async fn request_of(&self, right: &str, subject: &str) -> String {
        let request = json!({ "right": right, "subject": subject });
        self.post("/requests", &request).await.expect_status(202).text("/request")
    }

    /// Issues a download token of a completed export: the path of the bundle, and the token.
    pub async fn issue_download(&self, request: &str) -> (String, String) {
        let issue = self.request(Method::POST, &format!("/requests/{request}/download"));
        let issued = Reply::of(issue).await.expect_status(200);
        (format!("/exports/{}", issued.text("/export")), issued.text("/token"))
    }

    /// Fetches a bundle with its token.
    pub async fn fetch(&self, bundle: &str, token: &str) -> Reply {
        let request = self.request(Method::GET, bundle).header("oubli-download-token", token);
        Reply::of(request).await
    }

    /// Exports a subject and opens the bundle.
    pub async fn export(&self, right: &str, subject: &str) -> Bundle {
        let request = self.request_of(right, subject).await;
        self.completed(&request).await;
        let (bundle, token) = self.issue_download(&request).await;
        Bundle::open(&self.fetch(&bundle, &token).await.expect_status(200).bytes)
    }

    /// The certificate of a request and the published keys, as texts.
    pub async fn certificate(&self, request: &str) -> (String, String) {
        let path = format!("/requests/{request}/certificate");
        let certificate = self.get(&path).await.expect_status(200);
        let keys = self.get("/.well-known/oubli-keys").await.expect_status(200);
        let text = |reply: Reply| String::from_utf8(reply.bytes).expect("a text");
        (text(certificate), text(keys))
    }

    /// Erases a subject and gives what the certificate says, checked offline.
    pub async fn erase(&self, subject: &str) -> Claims {
        let request = self.request_of("erasure", subject).await;
        self.completed(&request).await;
        let (certificate, keys) = self.certificate(&request).await;
        let claims = verify_certificate(&certificate, &keys).expect("the certificate holds");
        assert_eq!(claims.request.to_string(), request);
        claims
    }

    /// Every item of a list, page after page of `limit`.
    pub async fn all_pages(&self, list: &str, limit: usize) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{list}?limit={limit}{cursor}")).await.expect_status(200);
            let found = page.body["items"].as_array().expect("items");
            assert!(found.len() <= limit);
            items.extend(found.iter().cloned());
            match page.body["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}
