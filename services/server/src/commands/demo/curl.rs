//! Calls of the API, each done with reqwest and printed as the curl line that does the same.

use anyhow::{Context, bail};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::screen::{Screen, pretty};

/// How wide a body may be before it is broken into lines.
const BODY_WIDTH: usize = 70;

/// A call as a person writes it: `$NAME` in the path stands for a shell variable.
#[derive(Debug)]
pub(super) struct Call {
    method: Method,
    path: String,
    sender: Sender,
    body: Body,
    save: Option<&'static str>,
}

/// Who calls.
#[derive(Debug)]
enum Sender {
    Anyone,
    /// A bearer token in this variable.
    Bearer(&'static str),
    /// HTTP Basic with the variables of a client's id and secret.
    Client(&'static str, &'static str),
    /// A token of its own header, in this variable.
    Header(&'static str, &'static str),
}

#[derive(Debug)]
enum Body {
    None,
    Json(Value),
    /// JSON that the person would have in a file of this name.
    File(String, Value),
    Form(&'static str),
}

impl Call {
    fn new(method: Method, path: impl Into<String>) -> Self {
        let (sender, body) = (Sender::Bearer("TOKEN"), Body::None);
        Self { method, path: path.into(), sender, body, save: None }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub(super) fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    pub(super) fn anyone(mut self) -> Self {
        self.sender = Sender::Anyone;
        self
    }

    pub(super) fn bearer(mut self, variable: &'static str) -> Self {
        self.sender = Sender::Bearer(variable);
        self
    }

    pub(super) fn client(mut self, id: &'static str, secret: &'static str) -> Self {
        self.sender = Sender::Client(id, secret);
        self
    }

    pub(super) fn header(mut self, name: &'static str, variable: &'static str) -> Self {
        self.sender = Sender::Header(name, variable);
        self
    }

    pub(super) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    pub(super) fn file(mut self, name: impl Into<String>, body: Value) -> Self {
        self.body = Body::File(name.into(), body);
        self
    }

    pub(super) fn form(mut self, body: &'static str) -> Self {
        self.body = Body::Form(body);
        self
    }

    /// Where curl puts the answer.
    pub(super) fn save(mut self, file: &'static str) -> Self {
        self.save = Some(file);
        self
    }

    /// The curl line, in as many lines as it is wide.
    pub(super) fn lines(&self) -> Vec<String> {
        let implied = match (&self.method, &self.body) {
            (&Method::GET, Body::None) => true,
            (&Method::POST, body) => !matches!(body, Body::None),
            _ => false,
        };
        let method = if implied { String::new() } else { format!("-X {} ", self.method) };
        let mut parts = vec![format!("curl {method}\"{}\"", self.path)];
        match self.sender {
            Sender::Anyone => {}
            Sender::Bearer(token) => parts.push(format!("-H \"Authorization: Bearer ${token}\"")),
            Sender::Client(id, secret) => parts.push(format!("-u \"${id}:${secret}\"")),
            Sender::Header(name, token) => parts.push(format!("-H \"{name}: ${token}\"")),
        }
        match &self.body {
            Body::None => {}
            Body::Json(body) => {
                parts.push(format!("--json '{}'", pretty(body, BODY_WIDTH).replace('\'', r"'\''")));
            }
            Body::File(name, _) => parts.push(format!("--json \"@{name}\"")),
            Body::Form(form) => parts.push(format!("-d {form}")),
        }
        parts.extend(self.save.map(|file| format!("-o {file}")));
        parts.join(" \\\n  ").lines().enumerate().map(|(n, line)| hang(n, line)).collect()
    }
}

/// Lines of a body that are not the first of their part stand in as far as that one.
fn hang(n: usize, line: &str) -> String {
    if n == 0 || line.starts_with("  -") { line.to_owned() } else { format!("  {line}") }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) bytes: Vec<u8>,
    head: String,
}

impl Reply {
    /// A text in the body, by JSON pointer.
    pub(super) fn text(&self, pointer: &str) -> anyhow::Result<String> {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.map(str::to_owned).with_context(|| format!("the answer has no text at {pointer}"))
    }

    /// What the answer says in short: the status, and the type of a problem.
    pub(super) fn gist(&self) -> String {
        match self.body.get("type").and_then(Value::as_str) {
            Some(problem) => format!("{} {problem}", self.status),
            None => self.status.to_string(),
        }
    }
}

/// A person's shell: its variables, and a way to call.
#[derive(Debug)]
pub(super) struct Shell {
    screen: Screen,
    http: reqwest::Client,
    variables: Vec<(&'static str, String)>,
}

impl Shell {
    pub(super) fn new(screen: Screen) -> Self {
        Self { screen, http: reqwest::Client::new(), variables: Vec::new() }
    }

    /// Sets a variable without a word.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
    }

    /// Sets a variable and shows how.
    pub(super) fn export(&mut self, name: &'static str, value: &str) {
        let filled = self.filled(value);
        self.screen.command(&[format!("export {name}={value}")]);
        self.set(name, filled);
    }

    /// Sets a variable that is too long to be shown, and says where it comes from.
    pub(super) fn learn(&mut self, name: &'static str, value: String, from: &str) {
        self.screen.command(&[format!("export {name}=<{from}>")]);
        self.set(name, value);
    }

    /// The value of a variable; empty when it has none.
    pub(super) fn value(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }

    /// A text with the variables' values in their places. No name begins another's.
    fn filled(&self, text: &str) -> String {
        self.variables
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
    }

    /// Prints a call, does it and prints the answer.
    pub(super) async fn run(&self, call: &Call) -> anyhow::Result<Reply> {
        self.screen.command(&call.lines());
        let reply = self.quietly(call).await?;
        self.show(&reply);
        Ok(reply)
    }

    /// Prints a call and what it was answered last.
    pub(super) fn told(&self, call: &Call, reply: &Reply) {
        self.screen.command(&call.lines());
        self.show(reply);
    }

    fn show(&self, reply: &Reply) {
        self.screen.answer(&reply.head, &reply.body);
    }

    /// Does a call without a word.
    pub(super) async fn quietly(&self, call: &Call) -> anyhow::Result<Reply> {
        let url = self.filled(&call.path);
        if url.contains('$') {
            bail!("a variable of {} has no value", call.path);
        }
        let request = self.signed(call, self.http.request(call.method.clone(), url));
        let request = match &call.body {
            Body::None => request,
            Body::Json(body) | Body::File(_, body) => request.json(body),
            Body::Form(form) => {
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(*form)
            }
        };
        let answer = request.send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?.to_vec();
        // What is no JSON but text, such as a certificate, is shown as one.
        let body = serde_json::from_slice(&bytes)
            .or_else(|_| std::str::from_utf8(&bytes).map(Value::from))
            .unwrap_or(Value::Null);
        Ok(Reply { status: status.as_u16(), body, bytes, head: status.to_string() })
    }

    fn signed(&self, call: &Call, request: RequestBuilder) -> RequestBuilder {
        match call.sender {
            Sender::Anyone => request,
            Sender::Bearer(token) => request.bearer_auth(self.value(token)),
            Sender::Header(name, token) => request.header(name, self.value(token)),
            Sender::Client(id, secret) => {
                request.basic_auth(self.value(id), Some(self.value(secret)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Call, Screen, Shell};

    #[test]
    fn a_call_is_shown_as_curl_takes_it() {
        let read = Call::get("$APP/subjects");
        assert_eq!(
            read.lines(),
            ["curl \"$APP/subjects\" \\", "  -H \"Authorization: Bearer $TOKEN\""]
        );
        let short = Call::post("$OUBLI/v1/staff/login").anyone().json(json!({ "name": "o'neil" }));
        assert_eq!(
            short.lines(),
            ["curl \"$OUBLI/v1/staff/login\" \\", r#"  --json '{ "name": "o'\''neil" }'"#]
        );
        let put = Call::put("$APP/data-map").file("map.json", json!({}));
        assert_eq!(put.lines()[0], "curl -X PUT \"$APP/data-map\" \\");
        assert_eq!(put.lines()[2], "  --json \"@map.json\"");
    }

    #[test]
    fn variables_are_filled_in() {
        let mut shell = Shell::new(Screen::new());
        shell.set("OUBLI", "http://localhost:1");
        shell.set("APP", "http://localhost:1/v1/apps/shop");
        assert_eq!(shell.filled("$APP/x"), "http://localhost:1/v1/apps/shop/x");
        shell.set("APP", "other");
        assert_eq!(shell.filled("$APP/$NONE"), "other/$NONE");
    }
}
