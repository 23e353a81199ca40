//! The OpenAPI document: what the tree holds is what is served, and it leaves nothing unsaid.

use std::collections::HashSet;

use oubli_domain::scope::Scopes;
use oubli_tests::{Document, Operation, TestServer};
use serde_json::Value;

fn in_tree() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/openapi.json");
    std::fs::read_to_string(path).unwrap()
}

async fn served() -> (Document, Vec<u8>) {
    let server = TestServer::start(oubli_tests::Engine::Sqlite).await;
    let reply = server.anonymous().get("/openapi.json").await.expect_status(200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    (Document(reply.body), reply.bytes)
}

#[tokio::test]
async fn the_tree_holds_what_is_served() {
    let (_, served) = served().await;
    assert!(
        in_tree().into_bytes() == served,
        "the document changed: run `cargo run -p oubli-server -- openapi > openapi/openapi.json`"
    );
}

fn said(value: &Value, member: &str) -> bool {
    value[member].as_str().is_some_and(|text| !text.trim().is_empty())
}

#[tokio::test]
async fn every_operation_is_told_in_full() {
    let (document, _) = served().await;
    assert_eq!(document.0["openapi"], "3.1.0");
    let mut ids = HashSet::new();
    for operation in document.operations() {
        let (name, told) = (operation.name(), &operation.told);
        for member in ["summary", "description", "operationId"] {
            assert!(said(told, member), "{name} has no {member}");
        }
        assert_eq!(told["tags"].as_array().map(Vec::len), Some(1), "{name} has one tag");
        assert!(ids.insert(told["operationId"].to_string()), "{name} shares its operationId");
        expect_answers_told(&operation);
        expect_parameters_told(&operation);
    }
}

fn expect_answers_told(operation: &Operation) {
    let name = operation.name();
    let answers = operation.told["responses"].as_object().unwrap();
    assert!(answers.keys().any(|status| status.starts_with('2')), "{name} never succeeds");
    for (status, answer) in answers {
        assert!(said(answer, "description"), "{name} does not describe {status}");
        let has_body = answer["content"].as_object().is_some_and(|content| !content.is_empty());
        assert_eq!(has_body, status != "204", "{name} {status}");
    }
}

/// Each parameter of the template is told, required and described, and no other is in the path.
fn expect_parameters_told(operation: &Operation) {
    let name = operation.name();
    let parameters = operation.told["parameters"].as_array().cloned().unwrap_or_default();
    for parameter in &parameters {
        assert!(said(parameter, "description"), "{name}: {}", parameter["name"]);
    }
    let in_path = parameters.iter().filter(|p| p["in"] == "path" && p["required"] == true);
    let told: HashSet<&str> = in_path.filter_map(|p| p["name"].as_str()).collect();
    let template = operation.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?;
        Some(name.split('}').next().unwrap_or_default())
    });
    assert_eq!(told, template.collect(), "{name}");
}

/// The parameters and bodies of an operation, each with a name: what has a schema.
fn places(told: &Value) -> Vec<(String, &Value)> {
    let parameters = told["parameters"].as_array().into_iter().flatten();
    let mut places: Vec<(String, &Value)> =
        parameters.map(|parameter| (parameter["name"].to_string(), parameter)).collect();
    let answers = told["responses"].as_object().into_iter().flatten();
    let bodies = answers.map(|(status, answer)| (status.as_str(), answer));
    for (what, holder) in bodies.chain([("body", &told["requestBody"])]) {
        let content = holder["content"].as_object().into_iter().flatten();
        places.extend(content.map(|(media, told)| (format!("{what} {media}"), told)));
    }
    places
}

fn examples(told: &Value) -> Vec<&Value> {
    let named = told["examples"].as_object().into_iter().flatten();
    told.get("example").into_iter().chain(named.map(|(_, example)| &example["value"])).collect()
}

#[tokio::test]
async fn every_parameter_and_body_has_an_example_that_fits() {
    let (document, _) = served().await;
    for operation in document.operations() {
        let name = operation.name();
        for (place, told) in places(&operation.told) {
            let mut schema = told["schema"].clone();
            assert!(schema.is_object() || schema == true, "{name}: {place} has no schema");
            schema["components"] = document.0["components"].clone();
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            assert!(!examples(told).is_empty(), "{name}: {place} has no example");
            for example in examples(told) {
                let errors: Vec<_> =
                    validator.iter_errors(example).map(|e| e.to_string()).collect();
                assert!(errors.is_empty(), "{name}: {place}: {errors:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let (document, _) = served().await;
    let mut open = vec![&document.0];
    let mut count = 0;
    while let Some(value) = open.pop() {
        if let Some(reference) = value["$ref"].as_str() {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.0.pointer(pointer).is_some(), "{reference} leads nowhere");
            count += 1;
        }
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            _ => {}
        }
    }
    assert!(count > 50);
}

#[tokio::test]
async fn the_scopes_are_those_of_clients_and_staff() {
    let (document, _) = served().await;
    let schemes = &document.0["components"]["securitySchemes"];
    let told = schemes["oauth2"]["flows"]["clientCredentials"]["scopes"].as_object().unwrap();
    for scope in Scopes::of_clients().iter() {
        assert!(told.contains_key(scope.as_str()), "{scope}");
    }
    for operation in document.operations() {
        for scheme in operation.told["security"].as_array().into_iter().flatten() {
            let (scheme, _) = scheme.as_object().unwrap().iter().next().unwrap();
            assert!(schemes.get(scheme).is_some(), "{} uses {scheme}", operation.name());
        }
    }
}
