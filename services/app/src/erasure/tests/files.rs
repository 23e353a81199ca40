//! What the raw files of both databases hold of a person before and after an erasure.

use std::collections::HashMap;

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

/// Every byte of every file of both databases, write-ahead logs and all.
fn files(world: &World) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(world.dir.path()).unwrap().map(|e| e.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap()).collect()
}

/// Which traces are in the files, in one pass over them. The first 24 bytes of a trace are enough,
/// as a long one spans pages.
fn found(traces: &Traces, files: &[Vec<u8>]) -> Vec<&'static str> {
    let mut by_start: HashMap<[u8; 4], Vec<usize>> = HashMap::new();
    for (n, (_, bytes)) in traces.iter().enumerate() {
        by_start.entry(*bytes.first_chunk().unwrap()).or_default().push(n);
    }
    // Nearly every place is passed over by its first two bytes.
    let mut begins = vec![false; 1 << 16];
    for (_, bytes) in traces {
        begins[usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))] = true;
    }
    let mut found = vec![false; traces.len()];
    for file in files {
        for (at, start) in file.array_windows::<4>().enumerate() {
            if !begins[usize::from(u16::from_be_bytes([start[0], start[1]]))] {
                continue;
            }
            for n in by_start.get(start).into_iter().flatten() {
                let bytes = &traces[*n].1;
                found[*n] |= file[at..].starts_with(&bytes[..bytes.len().min(24)]);
            }
        }
    }
    traces.iter().zip(found).filter(|(_, found)| *found).map(|((what, _), _)| *what).collect()
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
    let (mut gone, mut theirs) = (Vec::new(), Traces::new());
    for n in (0..200).step_by(4) {
        gone.push(people[n]);
        theirs.extend(traces(&world, people[n], &format!("p{n}")).await);
    }
    let other = traces(&world, people[1], "p1").await;
    let before = found(&theirs, &files(&world)).len();
    assert_eq!(before + gone.len(), theirs.len(), "all but the ids in hex are there");
    for subject in &gone {
        world.request(Right::Erasure, *subject).await;
    }
    world.work().await;
    let after = files(&world);
    assert_eq!(found(&theirs, &after), [] as [&str; 0]);
    assert_eq!(found(&other, &after).len() + 1, other.len(), "the others are untouched");
}
