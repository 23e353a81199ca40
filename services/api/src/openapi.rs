//! The OpenAPI 3.1 document, made from the endpoints themselves.

mod examples;
mod problems;

use std::collections::HashSet;
use std::sync::OnceLock;

use actix_web::dev::ResourceDef;
use actix_web::{HttpResponse, get, web};
use oubli_domain::scope::Scope;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::load::Shared;
use crate::problem::{ProblemDocument, WrongPlace};
use crate::state::Api;

pub(crate) use problems::{Answering, answering};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Oubli",
        description = "Stores personal data and consents encrypted, answers for which purpose a \
            person's data may be read, exports it and erases it with a signed certificate.\n\n\
            Errors are problem documents (RFC 9457); their `type` is stable. Unsafe calls take an \
            `Idempotency-Key`: a repeat within 24 hours gets the first answer. No personal data \
            belongs in a URL, so people are looked up by POST.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(ProblemDocument, WrongPlace))
)]
struct Base;

/// Serves the document.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(serve);
}

/// This document
///
/// OpenAPI 3.1, as made from the running service.
#[utoipa::path(tag = "Service", responses(
    (status = 200, description = "The document", body = Value,
        example = json!({ "openapi": "3.1.0", "info": { "title": "Oubli" } })),
))]
#[get("/openapi.json")]
pub(crate) async fn serve(api: web::Data<Api>) -> HttpResponse {
    let mut answer = HttpResponse::Ok().content_type("application/json").body(api.openapi.clone());
    answer.extensions_mut().insert(Shared);
    answer
}

/// The document as text, with every endpoint, two spaces of indentation and a last line feed.
#[must_use]
pub fn document() -> String {
    let mut text = format!("{:#}", tree());
    text.push('\n');
    text
}

fn tree() -> &'static Value {
    static TREE: OnceLock<Value> = OnceLock::new();
    TREE.get_or_init(|| {
        let (_, collected) = actix_web::App::new()
            .into_utoipa_app()
            .openapi(Base::openapi())
            .configure(crate::routes::routes)
            .split_for_parts();
        let mut tree = serde_json::to_value(collected).unwrap_or_default();
        tree["openapi"] = "3.1.0".into();
        tree["components"]["securitySchemes"] = security_schemes();
        let schemas = tree["components"]["schemas"].clone();
        for (_, methods) in members(tree.get_mut("paths")) {
            for (method, operation) in members(Some(methods)) {
                complete(method, operation, &schemas);
            }
        }
        tree
    })
}

/// The members of an object, if it is there: to index what is not there would put `null` there.
fn members(value: Option<&mut Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    value.and_then(Value::as_object_mut).into_iter().flat_map(Map::iter_mut)
}

fn security_schemes() -> Value {
    let scopes: Map<String, Value> = Scope::ALL
        .iter()
        .map(|scope| (scope.as_str().to_owned(), scope.description().into()))
        .collect();
    json!({
        "oauth2": {
            "type": "oauth2",
            "description": "Programs of an app: RFC 6749 client credentials.",
            "flows": { "clientCredentials": { "tokenUrl": "/oauth2/token", "scopes": scopes } },
        },
        "staff": {
            "type": "http",
            "scheme": "bearer",
            "description": "Staff: the token that POST /v1/staff/login gives. The role must give the \
                scope that is named here, or else the one named for clients.",
        },
    })
}

/// Adds what is the same for every operation of a kind.
fn complete(method: &str, operation: &mut Value, schemas: &Value) {
    if operation.get("security").is_some() && method != "get" && changes(operation) {
        add_idempotency_key(operation);
    }
    problems::complete(method, operation);
    examples::complete(operation, schemas);
}

/// Whether an operation needs more than to read: questions with a body are POSTs too. What is done
/// to accounts is in no app, where keys are remembered.
fn changes(operation: &Value) -> bool {
    let schemes = operation["security"].as_array().into_iter().flatten();
    schemes
        .filter_map(Value::as_object)
        .flat_map(Map::values)
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
        .any(|scope| !scope.ends_with(":read") && scope != Scope::StaffManage.as_str())
}

fn add_idempotency_key(operation: &mut Value) {
    let parameter = json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "1 to 255 visible ASCII characters. A repeat with the same key, body and \
            path within 24 hours gets the answer of the first call.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    });
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.push(parameter),
        None => operation["parameters"] = json!([parameter]),
    }
}

/// Whether some documented body has a member of this name, so that the name tells nothing of who
/// sent it.
pub(crate) fn is_member(name: &str) -> bool {
    static KNOWN: OnceLock<HashSet<String>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let schemas = tree()["components"]["schemas"].as_object().into_iter().flatten();
        let members = schemas.filter_map(|(_, schema)| schema["properties"].as_object());
        members.flat_map(Map::keys).cloned().collect()
    });
    known.contains(name)
}

/// The methods that the document has for a path; none when it has no such path.
pub(crate) fn methods_of(path: &str) -> Vec<String> {
    static KNOWN: OnceLock<Vec<(ResourceDef, Vec<String>)>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let paths = tree()["paths"].as_object().into_iter().flatten();
        paths
            .map(|(path, methods)| {
                let methods = methods.as_object().into_iter().flatten();
                let names = methods.map(|(method, _)| method.to_uppercase()).collect();
                (ResourceDef::new(path.as_str()), names)
            })
            .collect()
    });
    known.iter().filter(|(known, _)| known.is_match(path)).flat_map(|(_, m)| m.clone()).collect()
}
