//! What the raw files of both databases hold of a person before and after an erasure.

use oubli_domain::{Right, SubjectId};
use oubli_store::identifiers;
use oubli_store::keys::{blind_indexes, subject_keys};
use oubli_store::records;
use serde_json::json;

use crate::records::{BatchItem, BatchResult, MAX_BATCH, RecordKey, put_batch};
use crate::requests::world::{World, email, key};
use crate::subjects::SubjectSelector;

/// Byte strings that point to one person, each with what it is.
type Traces = Vec<(&'static str, Vec<u8>)>;

async fn traces(world: &World, subject: SubjectId, name: &str) -> Traces {
    let hex = subject.0.simple().to_string().into_bytes();
    let mut found = vec![("id", subject.0.as_bytes().to_vec()), ("id in hex", hex)];
    let mut keys = world.oubli.keys().conn().await.unwrap();
    let row = subject_keys::get(&mut keys, &world.app, subject).await.unwrap().unwrap();
    found.push(("wrapped key", row.wrapped));
    found.push(("commitment", row.commitment));
    let kind = oubli_domain::IdentifierType::Email;
    let normal = oubli_domain::identifier::normalise(kind, &email(name), None).unwrap();
    let index = world.oubli.keyring().app(&world.app).await.unwrap().blind_index(&normal).unwrap();
    assert!(blind_indexes::find(&mut keys, &world.app, &index).await.unwrap().is_some());
    found.push(("blind index", index.value.to_vec()));
    let mut data = world.oubli.data().conn().await.unwrap();
    for row in records::page(&mut data, &world.app, subject, None, 100).await.unwrap() {
        found.extend(row.fields.into_iter().map(|f| ("ciphertext", f.ciphertext)));
    }
    for row in identifiers::list(&mut data, &world.app, subject).await.unwrap() {
        found.push(("sealed identifier", row.sealed));
    }
    found
}

/// Every byte of every file of both databases, write-ahead logs and all, as Latin-1: the search in
/// text is the fast one of the standard library.
fn files(world: &World) -> Vec<String> {
    let entries = std::fs::read_dir(world.dir.path()).unwrap().map(|e| e.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    files.map(|path| latin_1(&std::fs::read(path).unwrap())).collect()
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// What is found. The first 24 bytes are enough of a trace, as a long one spans pages.
fn found(traces: &Traces, files: &[String]) -> Vec<&'static str> {
    let is_there = |bytes: &[u8]| {
        let needle = latin_1(&bytes[..bytes.len().min(24)]);
        files.iter().any(|file| file.contains(&needle))
    };
    traces.iter().filter(|(_, bytes)| is_there(bytes)).map(|(what, _)| *what).collect()
}

/// A number that looks random and is the same in each run.
fn scatter(n: u64) -> u64 {
    n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

/// Records in an order that makes the trees of the files split and rebalance in many places.
async fn fill(world: &World, people: &[SubjectId]) {
    let mut order: Vec<(usize, usize)> =
        (0..people.len()).flat_map(|p| (0..6).map(move |r| (p, r))).collect();
    order.sort_by_key(|(p, r)| scatter((p * 6 + r) as u64));
    let items: Vec<BatchItem> = order.into_iter().map(|(p, r)| item(people[p], p, r)).collect();
    for batch in items.chunks(MAX_BATCH) {
        let results = put_batch(&world.oubli, &world.call(), batch.to_vec()).await.unwrap();
        assert!(results.iter().all(|result| matches!(result, BatchResult::Put { .. })));
    }
}

fn item(subject: SubjectId, p: usize, r: usize) -> BatchItem {
    let long = "x".repeat(usize::try_from(scatter((p + r) as u64) % 900).unwrap());
    let profile = r.is_multiple_of(2);
    let RecordKey { category, record, .. } =
        key(subject, if profile { "profile" } else { "invoice" }, &format!("r{r}"));
    let body = if profile { json!({ "name": long }) } else { json!({ "note": long }) };
    BatchItem { subject: SubjectSelector::Id(subject), category, record, body, if_match: None }
}

#[tokio::test]
async fn no_file_holds_anything_of_an_erased_person() {
    let world = World::new().await;
    let mut people = Vec::new();
    for n in 0..200 {
        people.push(world.person(&format!("p{n}")).await);
    }
    fill(&world, &people).await;
    let mut gone = Vec::new();
    for n in (0..200).step_by(4) {
        gone.push((people[n], traces(&world, people[n], &format!("p{n}")).await));
    }
    let before = files(&world);
    for (_, traces) in &gone {
        assert_eq!(found(traces, &before).len() + 1, traces.len(), "all but the id in hex");
    }
    for (subject, _) in &gone {
        world.request(Right::Erasure, *subject).await;
    }
    world.work().await;
    let after = files(&world);
    for (_, traces) in &gone {
        assert_eq!(found(traces, &after), [] as [&str; 0]);
    }
    let other = traces(&world, people[1], "p1").await;
    assert_eq!(found(&other, &after).len() + 1, other.len(), "the others are untouched");
}
