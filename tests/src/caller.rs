//! Someone who calls the service over HTTP.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// A caller: where the service is, with which token, for which app.
#[derive(Clone, Debug)]
pub struct Caller {
    http: Client,
    url: String,
    app: Option<String>,
    token: Option<String>,
}

impl Caller {
    /// A caller without a token.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let http = Client::builder().build().expect("an HTTP client");
        Self { http, url: url.to_owned(), app: None, token: None }
    }

    /// The same caller with a token.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The same caller for an app: paths that do not begin with `/v1`, `/oauth2`, `/health`,
    /// `/problems` or `/.well-known` are taken below the app.
    #[must_use]
    pub fn for_app(mut self, app: &str) -> Self {
        self.app = Some(app.to_owned());
        self
    }

    /// The same caller of a service that listens elsewhere now.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Signs a client in.
    pub async fn sign_in(self, client: &str, secret: &str) -> Self {
        let form = "grant_type=client_credentials";
        let request = self.http.post(format!("{}/oauth2/token", self.url));
        let request = request
            .basic_auth(client, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let token = Reply::of(request).await.expect_status(200).text("/access_token");
        self.with_token(token)
    }

    /// A request that a test completes by itself.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let absolute = ["/v1", "/oauth2", "/health", "/.well-known", "/openapi", "/problems"];
        let below = match &self.app {
            Some(app) if !absolute.iter().any(|p| path.starts_with(p)) => format!("/v1/apps/{app}"),
            _ => String::new(),
        };
        let request = self.http.request(method, format!("{}{below}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path)).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::POST, path).json(body)).await
    }

    /// PUT of JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::PUT, path).json(body)).await
    }

    /// PATCH with a JSON Merge Patch.
    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        let request = self.request(Method::PATCH, path).body(body.to_string());
        Reply::of(request.header("content-type", "application/merge-patch+json")).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::DELETE, path)).await
    }

    /// Creates a subject with one e-mail address and gives its id.
    pub async fn subject(&self, email: &str) -> String {
        let body = serde_json::json!({ "identifiers": [{ "type": "email", "value": email }] });
        self.post("/subjects", &body).await.expect_status(201).text("/subject")
    }

    /// Waits until a request is completed, for half a minute at most.
    pub async fn completed(&self, request: &str) -> Reply {
        self.completed_within(request, 600).await
    }

    /// Waits until a request is completed. Its end is an event of the service that only its state
    /// tells of, so this asks for it up to `times` times, 50 ms apart.
    pub async fn completed_within(&self, request: &str, times: u32) -> Reply {
        for _ in 0..times {
            let reply = self.get(&format!("/requests/{request}")).await.expect_status(200);
            match reply.text("/state").as_str() {
                "completed" => return reply,
                "received" | "running" => {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                _ => panic!("the request ended otherwise: {}", reply.body),
            }
        }
        panic!("the request {request} was not completed in time");
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as JSON; null when it is none.
    pub body: Value,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// Sends a request and reads its answer.
    pub async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_str().unwrap_or_default().to_owned()))
            .collect();
        let bytes = answer.bytes().await.expect("a whole body").to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self { status, headers, body, bytes }
    }

    /// Fails the test unless the status is this one.
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "often the last thing that is asked of an answer"
    )]
    pub fn expect_status(self, status: u16) -> Self {
        let text = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status, status, "{text}");
        self
    }

    /// Fails the test unless this is the problem document of a code.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, slug: &str) {
        let text = String::from_utf8_lossy(&self.bytes);
        assert_eq!(
            (self.status, self.text("/type")),
            (status, format!("/problems/{slug}")),
            "{text}"
        );
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["status"], status);
    }

    /// A text in the body, by JSON pointer.
    #[track_caller]
    #[must_use]
    pub fn text(&self, pointer: &str) -> String {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("{pointer} is no text in {}", self.body)).to_owned()
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
