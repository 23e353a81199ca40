//! Which problems an operation may answer: those that its description names, and those that come
//! from what it takes.

use oubli_domain::Code;
use serde_json::{Value, json};

use super::{changes, tree};
use crate::problem::MEDIA_TYPE;

/// An operation, as far as a page about a problem names it.
#[derive(Debug)]
pub(crate) struct Answering {
    /// Its `operationId`.
    pub(crate) id: &'static str,
    /// Its method, in capitals.
    pub(crate) method: String,
    /// The template of its path.
    pub(crate) path: &'static str,
    /// Its summary.
    pub(crate) summary: &'static str,
    /// Its tag.
    pub(crate) tag: &'static str,
}

/// The operations that may answer a problem, in the order of the document.
pub(crate) fn answering(code: Code) -> Vec<Answering> {
    let slug = code.slug();
    let paths = tree()["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, told)| (path, method, told))
    });
    operations
        .filter(|(_, _, told)| {
            let answer = &told["responses"][code.status().to_string()];
            answer["content"][MEDIA_TYPE]["examples"].get(slug).is_some()
        })
        .map(|(path, method, told)| Answering {
            id: told["operationId"].as_str().unwrap_or_default(),
            method: method.to_uppercase(),
            path,
            summary: told["summary"].as_str().unwrap_or_default(),
            tag: told["tags"][0].as_str().unwrap_or_default(),
        })
        .collect()
}

/// Adds the answers of every problem that an operation may meet, each as an example by its slug.
pub(super) fn complete(method: &str, operation: &mut Value) {
    let mut codes = general(method, operation);
    codes.extend(named(operation));
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for code in codes {
        let answer = responses.entry(code.status().to_string()).or_insert_with(|| blank(""));
        let content = answer.get_mut("content");
        let Some(problem) = content.and_then(|c| c.get_mut(MEDIA_TYPE)) else { continue };
        problem["examples"][code.slug()] = example(code);
    }
    for (_, answer) in responses.iter_mut() {
        describe(answer);
    }
}

fn blank(description: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": description, "content": { MEDIA_TYPE: { "schema": schema } } })
}

fn example(code: Code) -> Value {
    let (slug, title, status) = (code.slug(), code.title(), code.status());
    let value = json!({ "type": format!("/problems/{slug}"), "title": title, "status": status });
    json!({ "summary": title, "value": value })
}

/// Describes an answer that was added by the titles of its problems.
fn describe(answer: &mut Value) {
    if answer["description"] != "" {
        return;
    }
    let examples = answer["content"][MEDIA_TYPE]["examples"].as_object().into_iter().flatten();
    let titles: Vec<&str> = examples.filter_map(|(_, e)| e["summary"].as_str()).collect();
    answer["description"] = titles.join("; ").into();
}

/// The problems that a description names after `Problems:`.
fn named(operation: &Value) -> impl Iterator<Item = Code> {
    let text = operation["description"].as_str().unwrap_or_default();
    let sentence = text.split_once("Problems:").map_or("", |(_, named)| named).to_owned();
    Code::ALL.iter().copied().filter(move |code| sentence.contains(&format!("`{}`", code.slug())))
}

/// The problems that come from what an operation takes and who may call it.
fn general(method: &str, operation: &Value) -> Vec<Code> {
    let mut codes = vec![Code::UrlTooLong, Code::HeadersTooLarge, Code::Internal];
    codes.extend([Code::Unavailable, Code::Overloaded]);
    let secured = operation.get("security").is_some();
    if secured {
        codes.extend([Code::Unauthenticated, Code::InsufficientScope]);
    }
    // Who calls without a token is counted where a secret is checked, which takes a body.
    if secured || operation.get("requestBody").is_some() {
        codes.push(Code::RateLimited);
        // Nearly all of them write: what is read of a person is logged before it is answered.
        codes.extend([Code::InsufficientStorage, Code::ReadOnly]);
    }
    // The token endpoint answers in OAuth's own form (RFC 6749, section 5.2).
    let content = operation["requestBody"]["content"].as_object();
    if content.is_some_and(|content| content.keys().all(|kind| kind.ends_with("json"))) {
        codes.extend([Code::UnsupportedMediaType, Code::InvalidBody, Code::MalformedJson]);
        codes.extend([Code::TooLarge, Code::BodyTimeout]);
    }
    if secured && method != "get" && changes(operation) {
        codes.extend([Code::InvalidIdempotencyKey, Code::IdempotencyKeyReused]);
        codes.extend([Code::IdempotencyInFlight, Code::InvalidBody, Code::MalformedJson]);
        codes.extend([Code::TooLarge, Code::BodyTimeout]);
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        codes.extend(of_parameter(parameter, secured));
    }
    codes
}

fn of_parameter(parameter: &Value, secured: bool) -> Vec<Code> {
    let name = parameter["name"].as_str().unwrap_or_default();
    match parameter["in"].as_str() {
        Some("query") if name == "cursor" => vec![Code::InvalidQuery, Code::InvalidCursor],
        Some("query") => vec![Code::InvalidQuery],
        Some("header") if name.starts_with("If-") => vec![Code::InvalidQuery],
        Some("path") if name == "app" && secured => vec![Code::AppNotFound],
        Some("path") if name == "subject" => {
            vec![Code::InvalidId, Code::SubjectNotFound, Code::SubjectErasing]
        }
        Some("path") if ["category", "purpose", "notice"].contains(&name) => {
            vec![Code::InvalidName, Code::InvalidId]
        }
        Some("path") if name != "slug" && name != "app" => vec![Code::InvalidId],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use oubli_domain::Code;

    use super::super::tree;
    use super::answering;

    /// The words between backticks after `Problems:` that look like slugs and are in no table.
    fn unknown(description: &str) -> Vec<&str> {
        let sentence = description.split_once("Problems:").map_or("", |(_, named)| named);
        let is_slug =
            |word: &str| word.contains('-') && !word.contains(|c| !matches!(c, 'a'..='z' | '-'));
        let is_known = |word: &str| Code::ALL.iter().any(|code| code.slug() == word);
        let words = sentence.split('`').skip(1).step_by(2);
        words.filter(|word| is_slug(word) && !is_known(word)).collect()
    }

    #[test]
    fn descriptions_name_problems_of_the_table_alone() {
        let paths = tree()["paths"].as_object().into_iter().flatten();
        for (path, methods) in paths {
            for (method, told) in methods.as_object().into_iter().flatten() {
                let unknown = unknown(told["description"].as_str().unwrap_or_default());
                assert!(unknown.is_empty(), "{method} {path} names {unknown:?}");
            }
        }
        assert_eq!(unknown("Problems: `held`, `no-such-slug`."), ["no-such-slug"]);
    }

    #[test]
    fn a_problem_knows_who_answers_it() {
        let ids = |code| answering(code).iter().map(|told| told.id).collect::<Vec<_>>();
        assert_eq!(ids(Code::LoginFailed), ["login"]);
        assert!(ids(Code::VersionMismatch).contains(&"put_record"));
        assert!(!ids(Code::RateLimited).contains(&"live"));
    }
}
