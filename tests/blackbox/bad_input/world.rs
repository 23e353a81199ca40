//! Two apps with something in them, and a look at all of it.

use std::collections::BTreeMap;

use oubli_domain::scope::Role;
use oubli_tests::{Caller, Document, Engine, Operation, Reply, TestServer};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Stands in every bad input, and in no answer.
pub(super) const MARK: &str = "zq7marker";

/// As [`MARK`], in the letters of the service's own names.
pub(super) const PLAIN: &str = "zqmarker_plain";

/// What there is before anything bad comes.
pub(super) struct World {
    pub(super) server: TestServer,
    /// An admin.
    pub(super) admin: Caller,
    /// A DPO.
    pub(super) dpo: Caller,
    /// A client of `shop` with every scope.
    pub(super) shop: Caller,
    /// Another of `market`.
    pub(super) market: Caller,
    pub(super) document: Document,
    /// A subject of `shop` with the record `profile/main`.
    pub(super) ada: String,
    /// A request of hers that is completed.
    pub(super) request: String,
}

impl World {
    pub(super) async fn new(engine: Engine) -> Self {
        let server = TestServer::start(engine).await;
        let (shop, market) = (server.app("shop").await, server.app("market").await);
        let admin = server.staff(Role::Admin, "*").await.for_app("shop");
        let ada = shop.subject("ada@example.org").await;
        let profile = json!({ "name": "Ada", "city": "London" });
        let record = format!("/subjects/{ada}/records/profile/main");
        shop.put(&record, &profile).await.expect_status(201);
        let request = shop.request_of("access", &ada).await;
        shop.completed(&request).await;
        let dpo = server.staff(Role::Dpo, "*").await.for_app("shop");
        let document = Document::of(&server.url).await;
        Self { server, admin, dpo, shop, market, document, ada, request }
    }

    /// A path below Ada.
    pub(super) fn of_ada(&self, path: &str) -> String {
        format!("/subjects/{}{path}", self.ada)
    }

    /// The values of path parameters that belong to something.
    pub(super) fn values(&self) -> BTreeMap<&'static str, String> {
        let of_ada = [("subject", self.ada.clone()), ("record", "main".to_owned())];
        let others = [("purpose", "delivery".to_owned()), ("request", self.request.clone())];
        of_ada.into_iter().chain(others).collect()
    }

    /// Someone who may call an operation.
    pub(super) fn caller_of(&self, operation: &Operation) -> &Caller {
        match operation.client_scope() {
            Some(_) => &self.shop,
            None if operation.allows(Role::Admin) => &self.admin,
            None => &self.dpo,
        }
    }

    /// All that the API shows of `shop`, with every event that tells of a change.
    pub(super) async fn all(&self) -> Value {
        let mut all = json!({});
        for path in [
            "",
            "/settings",
            "/clients",
            "/data-map/versions",
            "/notices",
            "/requests",
            "/subjects?limit=1000",
            &self.of_ada(""),
            &self.of_ada("/consents/events"),
            &self.of_ada("/records/profile/main/versions"),
            &self.of_ada("/records/profile/main?purpose=delivery"),
        ] {
            all[path] = self.shop.get(path).await.expect_status(200).body;
        }
        all["apps"] = self.admin.get("/v1/apps").await.expect_status(200).body;
        let events = self.shop.get("/events?limit=1000").await.expect_status(200).body;
        let types = events["items"].as_array().unwrap().iter().map(|e| e["leaf"]["type"].clone());
        all["changes"] = types.filter(|t| !t.as_str().unwrap().contains("read")).collect();
        all
    }

    /// Sends what must be refused.
    pub(super) async fn refused(&self, bad: RequestBuilder, status: u16, slug: &str) -> Reply {
        let reply = Reply::of(bad).await;
        reply.expect_problem(status, slug);
        expect_unmarked(&reply);
        reply
    }

    /// Sends JSON that must be refused, by someone who may call the operation.
    pub(super) async fn refused_json(
        &self,
        (method, path): (Method, &str),
        body: &Value,
        status: u16,
        slug: &str,
    ) -> Reply {
        let media = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let operation = self.document.find(&method, &format!("/v1/apps/shop{path}")).unwrap();
        let request = self.caller_of(&operation).request(method, path);
        let request = request.header("content-type", media);
        self.refused(request.body(body.to_string()), status, slug).await
    }
}

/// Fails when an answer repeats what came.
#[track_caller]
pub(super) fn expect_unmarked(reply: &Reply) {
    let text = String::from_utf8_lossy(&reply.bytes);
    let headers = reply.headers.iter().map(|(_, value)| value.as_str());
    for told in headers.chain([&*text]) {
        let told = told.to_lowercase();
        assert!(!told.contains(MARK) && !told.contains(PLAIN), "the input is repeated: {told}");
    }
}
