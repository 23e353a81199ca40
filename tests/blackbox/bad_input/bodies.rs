//! Every operation with a JSON body gets every kind of bad body.

use oubli_tests::{Operation, Reply, both_engines};

use super::world::{MARK, World, expect_unmarked};

/// A bad body, its content type when it is not the right one, and the statuses and slugs that may
/// answer it.
struct Bad {
    what: &'static str,
    bytes: Vec<u8>,
    media: Media,
    status: u16,
    slugs: &'static [&'static str],
}

/// The content type of a bad body.
#[derive(Clone, Copy)]
enum Media {
    Right,
    Other(&'static str),
    Absent,
}

/// What a body of the wrong shape is called: by the data map's rules where it is one, and by those
/// of records where it is one.
const SHAPE: &[&str] = &["invalid-body", "invalid-data-map", "invalid-record"];

fn malformed(what: &'static str, bytes: impl Into<Vec<u8>>) -> Bad {
    Bad { what, bytes: bytes.into(), media: Media::Right, status: 400, slugs: &["malformed-json"] }
}

fn misshapen(what: &'static str, text: impl Into<Vec<u8>>) -> Bad {
    Bad { what, bytes: text.into(), media: Media::Right, status: 422, slugs: SHAPE }
}

fn of_type(what: &'static str, media: Media) -> Bad {
    let (bytes, slugs) = (b"{}".to_vec(), &["unsupported-media-type"]);
    Bad { what, bytes, media, status: 415, slugs }
}

fn bad_bodies() -> Vec<Bad> {
    let deep = |n, open: &str, close: &str| open.repeat(n) + "1" + &close.repeat(n);
    vec![
        malformed("no JSON", format!("{{\"{MARK}\": ?}}")),
        malformed("cut short", format!("{{\"{MARK}\": \"{MARK}")),
        malformed("nothing", ""),
        malformed("two documents", format!("{{}} {{\"{MARK}\":1}}")),
        malformed("a member twice", format!("{{\"{MARK}\":1,\"{MARK}\":2}}")),
        malformed("a member twice, escaped", format!("{{\"a\":1,\"\\u0061\":\"{MARK}\"}}")),
        malformed("a member twice, within", format!("{{\"x\":[{{\"{MARK}\":1,\"{MARK}\":2}}]}}")),
        malformed("NUL in a text", format!("{{\"a\":\"{MARK}\\u0000\"}}")),
        malformed("NUL in a name", format!("{{\"{MARK}\\u0000\":1}}")),
        malformed("NUL as a byte", format!("{{\"a\":\"{MARK}\0\"}}")),
        malformed("no UTF-8", [b"{\"a\":\"zq7marker".as_slice(), b"\xff\xfe\"}"].concat()),
        malformed("a lone surrogate", format!("{{\"a\":\"{MARK}\\ud800\"}}")),
        malformed("a byte order mark", format!("\u{feff}{{\"a\":\"{MARK}\"}}")),
        malformed("deep lists", deep(200, "[", "]")),
        malformed("deep objects", deep(200, "{\"zq7marker\":", "}")),
        malformed("very deep lists", deep(10_000, "[", "]")),
        malformed("very deep objects", deep(10_000, "{\"zq7marker\":", "}")),
        malformed("a number out of range", format!("{{\"{MARK}\":1e999}}")),
        misshapen("a list", format!("[\"{MARK}\"]")),
        misshapen("a text", format!("\"{MARK}\"")),
        misshapen("a number", "7"),
        misshapen("null", "null"),
        misshapen("an unknown member", format!("{{\"{MARK}\":\"{MARK}\"}}")),
        misshapen("an unknown member with a plain name", "{\"zqmarker_plain\":1}"),
        misshapen("an unknown member like an e-mail", "{\"zq7marker@example.org\":1}"),
        of_type("text", Media::Other("text/plain")),
        of_type("a form", Media::Other("application/x-www-form-urlencoded")),
        of_type("JSON by another name", Media::Other("application/problem+json")),
        of_type("no type", Media::Absent),
        of_type("garbage for a type", Media::Other("zq7marker")),
    ]
}

/// The most bytes that an operation takes.
fn limit(operation: &Operation) -> usize {
    match operation.path.rsplit('/').next().unwrap() {
        last if last.ends_with("batch") => 32 << 20,
        "import" | "records:read" => 32 << 20,
        "data-map" => 2 << 20,
        "login" => 4 << 10,
        "{notice}" => 2 * 30 * (64 << 10),
        _ => 1 << 20,
    }
}

async fn send(world: &World, operation: &Operation, bad: &Bad) -> Reply {
    let path = operation.path_with(&world.values());
    let request = world.caller_of(operation).request(operation.method.clone(), &path);
    let media = match bad.media {
        Media::Right => operation.body_type(),
        Media::Other(media) => Some(media),
        Media::Absent => None,
    };
    let request = match media {
        Some(media) => request.header("content-type", media),
        None => request,
    };
    Reply::of(request.body(bad.bytes.clone())).await
}

fn expect_refused(operation: &Operation, bad: &Bad, reply: &Reply) {
    let what = format!("{} at {}: {}", bad.what, operation.name(), reply.body);
    let kind = reply.body["type"].as_str().unwrap_or_default();
    let slug = kind.strip_prefix("/problems/").unwrap_or_default();
    assert_eq!(reply.status, bad.status, "{what}");
    assert!(bad.slugs.contains(&slug), "{what}");
    reply.expect_problem(bad.status, slug);
    expect_unmarked(reply);
    operation.expect_documented(reply);
}

both_engines! {
    async fn every_bad_body_is_refused_everywhere(engine: Engine) {
        let world = World::new(engine).await;
        let before = world.all().await;
        let mut count = 0;
        for operation in world.document.operations() {
            if !operation.body_type().is_some_and(|media| media.ends_with("json")) {
                continue;
            }
            count += 1;
            let optional = operation.told["requestBody"]["required"] != true;
            let most = limit(&operation);
            let fits = |bad: &&Bad| bad.bytes.len() <= most && !(optional && bad.bytes.is_empty());
            for bad in bad_bodies().iter().filter(fits) {
                expect_refused(&operation, bad, &send(&world, &operation, bad).await);
            }
            let mut bytes = format!("\"{MARK}\"").into_bytes();
            bytes.resize(most + 1, b' ');
            let slugs = &["too-large"];
            let large =
                Bad { what: "one byte too many", bytes, media: Media::Right, status: 413, slugs };
            expect_refused(&operation, &large, &send(&world, &operation, &large).await);
        }
        assert!(count >= 18, "only {count} operations take JSON");
        assert_eq!(world.all().await, before);
    }

    async fn what_takes_no_body_refuses_one(engine: Engine) {
        let world = World::new(engine).await;
        let before = world.all().await;
        let body = format!("{{\"{MARK}\":1}}");
        for operation in world.document.operations() {
            let idempotent = operation.told["parameters"].as_array().into_iter().flatten();
            let writes = idempotent.clone().any(|p| p["name"] == "Idempotency-Key");
            if !writes || operation.body_type().is_some() || operation.path.ends_with("/logout") {
                continue;
            }
            let path = operation.path_with(&world.values());
            let request = world.caller_of(&operation).request(operation.method.clone(), &path);
            let request = request.header("content-type", "application/json").body(body.clone());
            world.refused(request, 422, "invalid-body").await;
        }
        assert_eq!(world.all().await, before);
    }
}
