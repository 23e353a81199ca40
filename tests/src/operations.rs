//! The operations of the service, as its OpenAPI document tells them: what tests walk, so that no
//! list of routes is kept by hand.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use oubli_domain::scope::{Role, Scope};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::caller::{Caller, Reply};

/// The document that a service serves.
#[derive(Clone, Debug)]
pub struct Document(pub Value);

/// One method of one path.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path's template.
    pub path: String,
    /// What the document says of it.
    pub told: Value,
}

impl Document {
    /// Fetches it.
    pub async fn of(url: &str) -> Self {
        Self(Caller::new(url).get("/openapi.json").await.expect_status(200).body)
    }

    /// Every operation, in the document's order; the one that ends the caller's session is last.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        let paths = self.0["paths"].as_object().expect("paths");
        let mut all: Vec<Operation> = paths
            .iter()
            .flat_map(|(path, methods)| {
                methods.as_object().expect("methods").iter().map(|(method, told)| Operation {
                    method: method.to_uppercase().parse().expect("a method"),
                    path: path.clone(),
                    told: told.clone(),
                })
            })
            .collect();
        all.sort_by_key(|operation| operation.path.ends_with("/logout"));
        all
    }

    /// The operation that a method and a path without its query belong to.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Option<Operation> {
        let path = path.split('?').next().unwrap_or_default();
        // A literal path wins over one with parameters.
        let mut found: Vec<Operation> = self.operations();
        found.retain(|operation| operation.method == *method && operation.is_at(path));
        found.into_iter().min_by_key(|operation| operation.path.matches('{').count())
    }
}

/// Whether a segment may be one of a template such as `{thing}:act`.
fn fits(template: &str, segment: &str) -> bool {
    let Some((_, verb)) = template.strip_prefix('{').and_then(|t| t.split_once('}')) else {
        return false;
    };
    segment.ends_with(verb) && (!verb.is_empty() || !segment.contains(':'))
}

impl Operation {
    /// A short name for messages.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn is_at(&self, path: &str) -> bool {
        let (own, other) = (self.path.split('/'), path.split('/'));
        own.clone().count() == other.clone().count()
            && own.zip(other).all(|(own, other)| own == other || fits(own, other))
    }

    /// Whether a token is asked for.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        self.told["security"].as_array().is_some_and(|schemes| !schemes.is_empty())
    }

    fn scheme(&self, name: &str) -> Option<Vec<&str>> {
        let schemes = self.told["security"].as_array()?;
        let scopes = schemes.iter().find_map(|scheme| scheme.get(name))?.as_array()?;
        Some(scopes.iter().filter_map(Value::as_str).collect())
    }

    /// The scope that it says a client needs; none when no client may call it.
    #[must_use]
    pub fn client_scope(&self) -> Option<Scope> {
        let scopes = self.scheme("oauth2")?;
        assert_eq!(scopes.len(), 1, "{} names one scope", self.name());
        Some(scopes[0].parse().expect("a scope that exists"))
    }

    /// Whether it says that staff may call it.
    #[must_use]
    pub fn is_for_staff(&self) -> bool {
        self.scheme("staff").is_some()
    }

    /// Whether it says that a role may call it: staff must be named, and the role must give the
    /// scope that is named beside it, if one is.
    #[must_use]
    pub fn allows(&self, role: Role) -> bool {
        let Some(of_staff) = self.scheme("staff") else { return false };
        let named = self.client_scope().into_iter();
        let mut needed = named.chain(of_staff.iter().map(|s| s.parse().expect("a scope")));
        needed.all(|scope| role.scopes().has(scope))
    }

    /// The media type of its body, when it takes one.
    #[must_use]
    pub fn body_type(&self) -> Option<&str> {
        let content = self.told.pointer("/requestBody/content")?.as_object()?;
        content.keys().next().map(String::as_str)
    }

    /// Its path with these values for its parameters; ids that are well formed and belong to
    /// nothing stand for the others.
    #[must_use]
    pub fn path_with(&self, values: &BTreeMap<&str, String>) -> String {
        let mut path = self.path.clone();
        for (name, absent) in absent_ids() {
            let value = values.get(name).cloned().unwrap_or(absent);
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        assert!(!path.contains('{'), "{path} has a parameter that the tests do not know");
        path + &self.query()
    }

    /// The query parameters that must be there, by their examples.
    fn query(&self) -> String {
        let parameters = self.told["parameters"].as_array().into_iter().flatten();
        let needed = parameters.filter(|p| p["in"] == "query" && p["required"] == true);
        let pairs: Vec<String> = needed
            .map(|p| {
                let example = p.get("example").or_else(|| p.pointer("/schema/example"));
                let example = example.and_then(Value::as_str).expect("an example");
                format!("{}={example}", p["name"].as_str().expect("a name"))
            })
            .collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }

    /// A request of it by `caller`, with an empty JSON object where it takes a body.
    pub fn request(&self, caller: &Caller, values: &BTreeMap<&str, String>) -> RequestBuilder {
        let request = caller.request(self.method.clone(), &self.path_with(values));
        match self.body_type() {
            Some(media) => request.header("content-type", media).body(json!({}).to_string()),
            None => request,
        }
    }

    /// Fails the test unless the document tells of an answer with this status and media type.
    #[track_caller]
    pub fn expect_documented(&self, reply: &Reply) {
        let answer = &self.told["responses"][reply.status.to_string()];
        let name = self.name();
        assert!(answer.is_object(), "{name} does not document {}: {}", reply.status, reply.body);
        let Some(sent) = reply.header("content-type") else { return };
        let sent = sent.split(';').next().unwrap_or_default();
        let content = answer["content"].as_object();
        let known = content.is_some_and(|content| content.contains_key(sent));
        assert!(known, "{name} does not document {} as {sent}", reply.status);
    }
}

/// Values of path parameters that have the right form and belong to nothing.
fn absent_ids() -> [(&'static str, String); 17] {
    let issued = |prefix: &str| format!("{prefix}_{}", "0".repeat(32));
    [
        ("app", "shop".to_owned()),
        ("subject", issued("sub")),
        ("identifier", issued("idn")),
        ("request", issued("req")),
        ("export", issued("exp")),
        ("event", issued("evt")),
        ("hold", issued("hld")),
        ("item", issued("kpt")),
        ("user", issued("usr")),
        ("session", issued("ses")),
        ("client", format!("shop.{}", "0".repeat(32))),
        ("category", "profile".to_owned()),
        ("record", "absent".to_owned()),
        ("notice", "absent".to_owned()),
        ("purpose", "absent".to_owned()),
        ("version", "999".to_owned()),
        ("slug", "absent".to_owned()),
    ]
}
