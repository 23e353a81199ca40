//! Whole examples, composed from the examples of members.

use serde_json::{Map, Value, json};

use super::members;

/// How deep schemas are followed: those that hold themselves end there.
const DEPTH: usize = 16;

/// Adds an example to each body and parameter of an operation that has none.
pub(super) fn complete(operation: &mut Value, schemas: &Value) {
    for (_, body) in members(operation.pointer_mut("/requestBody/content")) {
        add(body, schemas);
    }
    for (_, answer) in members(operation.get_mut("responses")) {
        for (_, body) in members(answer.get_mut("content")) {
            add(body, schemas);
        }
    }
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let named = parameter["name"].as_str().and_then(of_parameter);
        if let (Some(example), None) = (named, parameter.get("example")) {
            parameter["example"] = example;
        }
        add(parameter, schemas);
    }
}

fn add(place: &mut Value, schemas: &Value) {
    if place.get("example").is_some() || place.get("examples").is_some() {
        return;
    }
    if let Some(example) = compose(&place["schema"], schemas, DEPTH) {
        place["example"] = example;
    }
}

/// What stands for the parameters that many operations share.
fn of_parameter(name: &str) -> Option<Value> {
    Some(match name {
        "app" => "shop".into(),
        "subject" => "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19".into(),
        "identifier" => "idn_0192f0c1e7a07c3d8f0b6a5d4c3b2a19".into(),
        "request" => "req_0192f0c1e7a07c3d8f0b6a5d4c3b2a19".into(),
        "hold" => "hld_0192f0c1e7a07c3d8f0b6a5d4c3b2a19".into(),
        "item" => "kpt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19".into(),
        "export" => "exp_0192f0c1e7a07c3d8f0b6a5d4c3b2a19".into(),
        "client" => "shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19".into(),
        "category" => "profile".into(),
        "record" => "main".into(),
        "event" => "evt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19".into(),
        "user" => "usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a19".into(),
        "session" => "ses_0192f0c1e7a07c3d8f0b6a5d4c3b2a19".into(),
        "from" => "2026-03-01T00:00:00Z".into(),
        "to" => "2026-04-01T00:00:00Z".into(),
        "notice" | "purpose" => "newsletter".into(),
        "version" => 1.into(),
        "limit" => 100.into(),
        "cursor" => "AZLwweegfD2PC2pdTDsqGQ".into(),
        "If-Match" => "\"3\"".into(),
        "If-None-Match" => "*".into(),
        "Idempotency-Key" => "order-1042-consent".into(),
        "Oubli-Download-Token" => "4Y3q8mXcT0w9sJ5bVn2LrA7uKd6EhGfP1ZxWiCoQtRk".into(),
        _ => return None,
    })
}

/// An example of a schema, from those of its members; none where a needed one is missing.
fn compose(schema: &Value, schemas: &Value, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        return compose(&schemas[name], schemas, depth);
    }
    let given = [
        schema.get("example"),
        schema["examples"].get(0),
        schema.get("const"),
        schema["enum"].get(0),
        schema.get("default"),
    ];
    if let Some(given) = given.into_iter().flatten().next() {
        return Some(given.clone());
    }
    for alternatives in ["oneOf", "anyOf"] {
        let mut of = schema[alternatives].as_array().into_iter().flatten();
        if let Some(found) = of.find_map(|one| compose(one, schemas, depth)) {
            return Some(merged(found, schema, schemas, depth));
        }
    }
    of_type(schema, schemas, depth)
}

/// A chosen alternative together with what stands beside the choice.
fn merged(found: Value, schema: &Value, schemas: &Value, depth: usize) -> Value {
    let beside = of_type(schema, schemas, depth);
    match (found, beside) {
        (Value::Object(mut all), Some(Value::Object(beside))) => {
            all.extend(beside);
            Value::Object(all)
        }
        (found, _) => found,
    }
}

fn of_type(schema: &Value, schemas: &Value, depth: usize) -> Option<Value> {
    if let Some(parts) = schema["allOf"].as_array() {
        let mut all = Map::new();
        for part in parts {
            all.extend(compose(part, schemas, depth)?.as_object()?.clone());
        }
        return Some(Value::Object(all));
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|k| *k != "null"),
        kind => kind.as_str(),
    };
    match kind? {
        "object" => Some(of_object(schema, schemas, depth)),
        "array" => compose(&schema["items"], schemas, depth).map(|item| json!([item])),
        "boolean" => Some(false.into()),
        "integer" | "number" => Some(schema.get("minimum").cloned().unwrap_or_else(|| 1.into())),
        "string" => match schema["format"].as_str()? {
            "date-time" => Some("2026-03-02T09:30:00Z".into()),
            "date" => Some("2026-03-02".into()),
            "password" => Some("six otters row past midnight".into()),
            _ => None,
        },
        _ => None,
    }
}

fn of_object(schema: &Value, schemas: &Value, depth: usize) -> Value {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let told = properties.filter_map(|(name, member)| {
        compose(member, schemas, depth).map(|example| (name.clone(), example))
    });
    Value::Object(told.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::tree;

    /// Whether a member is what it must be, if it is there.
    fn fits(holder: &Value, member: &str, is: fn(&Value) -> bool) -> bool {
        holder.get(member).is_none_or(is)
    }

    #[test]
    fn what_an_operation_does_not_take_or_answer_is_left_out() {
        let paths = tree()["paths"].as_object().into_iter().flatten();
        for (path, methods) in paths {
            for (method, told) in methods.as_object().into_iter().flatten() {
                let answers = told["responses"].as_object().into_iter().flatten();
                let mut bodies = answers.map(|(_, answer)| answer).chain(told.get("requestBody"));
                assert!(fits(told, "parameters", Value::is_array), "{method} {path}");
                assert!(bodies.all(|body| fits(body, "content", Value::is_object)), "{path}");
            }
        }
    }
}
