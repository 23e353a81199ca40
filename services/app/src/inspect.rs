//! What the databases hold of a person, byte for byte, for those who search the raw files before
//! and after an erasure. It gives ciphertext, wrapped keys and pseudonyms, never a value.

use oubli_domain::{AppId, SubjectId};
use oubli_store::keys::{blind_indexes, subject_keys};
use oubli_store::records::{self, RecordKey};
use oubli_store::{Conn, exports, identifiers, requests, subjects};

use crate::error::Result;
use crate::oubli::Oubli;

/// The rows of a page: a record may have 256 KiB.
const PAGE: i64 = 50;
/// The most requests of one person that are looked at.
const REQUESTS: i64 = 1_000;

/// Bytes that stand in a row about one person and in no other row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// What it is, for people.
    pub what: String,
    /// The bytes as stored.
    pub bytes: Vec<u8>,
}

impl Trace {
    fn new(what: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { what: what.into(), bytes }
    }
}

/// The traces of a person: the id, the wrapped data key and its commitment, each blind index, each
/// encrypted identifier, the ciphertext of each field, and the sealed chunks of exports. No check
/// of who asks: it is for the machine of the service, where the files can be read anyway.
///
/// # Errors
/// `subject-not-found`, `subject-erasing`.
pub async fn traces(oubli: &Oubli, app: &AppId, subject: SubjectId) -> Result<Vec<Trace>> {
    let mut found = vec![Trace::new("the person's id", subject.0.as_bytes().to_vec())];
    let mut data = oubli.data().conn().await?;
    subjects::require(&mut data, app, subject).await?;
    found.append(&mut of_keys(&mut oubli.keys().conn().await?, app, subject).await?);
    for row in identifiers::list(&mut data, app, subject).await? {
        found.push(Trace::new(format!("the encrypted {}", row.kind.as_str()), row.sealed));
    }
    found.append(&mut of_records(&mut data, app, subject).await?);
    found.append(&mut of_exports(&mut data, app, subject).await?);
    Ok(found)
}

async fn of_keys(keys: &mut Conn, app: &AppId, subject: SubjectId) -> Result<Vec<Trace>> {
    let mut found = Vec::new();
    if let Some(key) = subject_keys::get(keys, app, subject).await? {
        found.push(Trace::new("the wrapped data key", key.wrapped));
        found.push(Trace::new("the data key's commitment", key.commitment));
    }
    for value in blind_indexes::values_of(keys, app, subject).await? {
        found.push(Trace::new("a blind index", value));
    }
    Ok(found)
}

async fn of_records(data: &mut Conn, app: &AppId, subject: SubjectId) -> Result<Vec<Trace>> {
    let mut found = Vec::new();
    let mut after: Option<RecordKey> = None;
    loop {
        let page = records::page(data, app, subject, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.key.clone());
        for row in page {
            let category = row.key.category;
            found.extend(row.fields.into_iter().map(|field| {
                Trace::new(format!("the ciphertext of {category}.{}", field.name), field.ciphertext)
            }));
        }
    }
}

async fn of_exports(data: &mut Conn, app: &AppId, subject: SubjectId) -> Result<Vec<Trace>> {
    let mut found = Vec::new();
    for request in requests::list(data, app, Some(subject), None, REQUESTS).await? {
        let Some(export) = exports::by_request(data, app, request.request).await? else { continue };
        for chunk in 0..export.chunks {
            let sealed = exports::chunk(data, app, export.export, chunk).await?;
            found.extend(sealed.map(|sealed| Trace::new("a chunk of an export", sealed)));
        }
    }
    Ok(found)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use oubli_domain::{Code, Right};

    use super::traces;
    use crate::requests::world::World;
    use crate::testing::refused;

    #[tokio::test]
    async fn a_person_has_traces_of_their_own_until_the_erasure() {
        let world = World::new().await;
        let (ada, bob) = (world.customer("ada").await, world.customer("bob").await);
        world.request(Right::Access, ada).await;
        world.work().await;
        let hers = traces(&world.oubli, &world.app, ada).await.unwrap();
        let his = traces(&world.oubli, &world.app, bob).await.unwrap();
        for wanted in
            ["the person's id", "the wrapped data key", "a blind index", "a chunk of an export"]
        {
            assert_eq!(hers.iter().filter(|trace| trace.what == wanted).count(), 1, "{wanted}");
        }
        let fields = hers.iter().filter(|trace| trace.what.starts_with("the ciphertext of "));
        assert!(fields.count() > 1);
        assert!(hers.iter().all(|trace| his.iter().all(|other| other.bytes != trace.bytes)));
        world.request(Right::Erasure, ada).await;
        world.work().await;
        let gone = traces(&world.oubli, &world.app, ada).await;
        assert_eq!(refused(gone), Code::SubjectNotFound);
    }
}
