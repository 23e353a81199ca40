//! Rotation, reindexing and retirement beside a running service.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all, select};
use oubli_domain::clock::TestClock;
use oubli_domain::{Code, IdentifierType, Pii, Right, SubjectId};
use oubli_store::Location;
use oubli_store::keys::{blind_indexes, subject_keys};
use oubli_vault::{FileProvider, VaultError};
use tempfile::TempDir;

use super::{
    Due, KeysError, Progress, Reindex, Retire, Retired, Rotate, due, reindex, rotate,
    rotate_tokens, status,
};
use crate::auth::keys::{jwks, log_keys};
use crate::certificate::verify_certificate;
use crate::requests::world::{World, email};
use crate::subjects::{self, NewIdentifier, SubjectSelector};
use crate::testing::{self, ISSUER, START, refused};
use crate::{Databases, Error, Options, Oubli, requests};

pub(super) const NOW: Retire = Retire { grace_seconds: 0, before: None };

pub(super) fn quiet(_: Progress) {}

/// Retires all that is due.
pub(super) async fn retire(oubli: &Oubli, what: Retire) -> Result<Retired, KeysError> {
    super::retire(oubli, what, &due(oubli, what).await?, &quiet).await
}

/// A node whose root key is a file, over the store in a folder.
async fn node(dir: &TempDir, clock: &Arc<TestClock>) -> Result<Arc<Oubli>, Error> {
    let file = |name: &str| Location::Sqlite(dir.path().join(name));
    let databases = Databases::open(&file("data.db"), &file("keys.db"), 4).await.unwrap();
    let path = dir.path().join("root/root.key");
    let made = path.exists();
    let root = if made { FileProvider::open(&path) } else { FileProvider::create(&path) };
    let options = Options {
        issuer: ISSUER.to_owned(),
        key_cache: Duration::from_mins(1),
        certificate_wait: Duration::ZERO,
        journal_dir: dir.path().join("journal"),
    };
    Ok(Arc::new(Oubli::open(databases, Arc::new(root.unwrap()), clock.clone(), options).await?))
}

/// A shop, and a second node over the same files: the one that the commands run on.
pub(super) async fn two_nodes() -> (World, Arc<Oubli>) {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::at(START)));
    let first = node(&dir, &clock).await.unwrap();
    let world = World::over(dir, first, clock).await;
    let second = node(&world.dir, &world.clock).await.unwrap();
    world.clock.advance(1);
    (world, second)
}

async fn epoch_of(world: &World, subject: SubjectId) -> i64 {
    let mut conn = world.oubli.keys().conn().await.unwrap();
    subject_keys::get(&mut conn, &world.app, subject).await.unwrap().unwrap().epoch
}

/// The number of indexes by version, of e-mail addresses.
async fn versions(world: &World) -> Vec<(i64, i64)> {
    let mut conn = world.oubli.keys().conn().await.unwrap();
    let counts = blind_indexes::counts(&mut conn).await.unwrap();
    counts.into_iter().filter(|c| c.1 == "email").map(|(.., v, n)| (v, n)).collect()
}

async fn found(world: &World, oubli: &Oubli, name: &str) -> Result<SubjectId, Code> {
    let mut conn = oubli.data().conn().await.unwrap();
    let model = oubli.model(&mut conn, &world.app).await.unwrap();
    drop(conn);
    let value = Pii::new(email(name));
    let selector = SubjectSelector::Identifier { kind: IdentifierType::Email, value };
    let found = subjects::resolve(oubli, &world.app, &model, &selector).await;
    found.map_err(|error| error.refusal().code)
}

/// Runs work on keys until it has told of progress for the first time, and drops it there.
async fn interrupted<T>(work: impl AsyncFn(&(dyn Fn(Progress) + Send + Sync)) -> T) {
    let (told, began) = (tokio::sync::Notify::new(), AtomicBool::new(false));
    let tell = |progress: Progress| {
        if progress.done > 0 && !began.swap(true, Ordering::SeqCst) {
            told.notify_one();
        }
    };
    select(Box::pin(told.notified()), Box::pin(work(&tell))).await;
    assert!(began.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_rotation_moves_every_key_while_another_node_reads_and_writes() {
    let (world, second) = two_nodes().await;
    let people = join_all((0..150).map(|n| {
        let world = &world;
        async move { world.customer(&format!("before{n}")).await }
    }));
    let mut people = people.await;
    let load = async {
        let mut made = Vec::new();
        for n in 0..40 {
            made.push(world.customer(&format!("during{n}")).await);
        }
        made
    };
    let what = Rotate::default();
    let (done, made) = join(rotate(&second, &what, &quiet), load).await;
    let done = done.unwrap();
    people.extend(made);
    assert_eq!((done.root_version, done.apps, done.unreadable), (2, 1, 0));
    let status = status(&second).await.unwrap();
    let epochs: Vec<_> = status.apps[0].epochs.iter().map(|e| (e.epoch, e.data_keys)).collect();
    assert_eq!(epochs, [(1, 0), (2, 190)]);
    assert_eq!(status.root_versions_used, [1, 2], "the old epoch waits for its retirement");
    let third = node(&world.dir, &world.clock).await.unwrap();
    for person in people {
        assert!(third.keyring().data_key(&world.app, person).await.is_ok());
    }
}

#[tokio::test]
async fn a_node_that_did_not_hear_of_a_rotation_writes_under_the_new_epoch() {
    let (world, second) = two_nodes().await;
    let ada = world.person("ada").await;
    rotate(&second, &Rotate::default(), &quiet).await.unwrap();
    let bob = world.person("bob").await;
    assert_eq!((epoch_of(&world, ada).await, epoch_of(&world, bob).await), (2, 2));
    // Its keys are of before; the row names an epoch that it does not know.
    let carol = world.person("carol").await;
    rotate(&second, &Rotate::default(), &quiet).await.unwrap();
    world.oubli.keyring().forget(&world.app, carol);
    assert!(world.oubli.keyring().data_key(&world.app, carol).await.is_ok());
}

#[tokio::test]
async fn an_interrupted_rotation_goes_on_and_two_never_run() {
    let (world, second) = two_nodes().await;
    let names: Vec<String> = (0..230).map(|n| format!("p{n}")).collect();
    join_all(names.iter().map(|name| world.person(name))).await;
    let what = Rotate::default();
    interrupted(async |told| rotate(&second, &what, told).await).await;
    let again = rotate(&second, &what, &quiet).await;
    assert!(matches!(again, Err(KeysError::Running { .. })), "{again:?}");
    assert_eq!(due(&second, NOW).await.unwrap().in_use.len(), 1);
    assert!(matches!(retire(&second, NOW).await, Err(KeysError::Running { .. })));
    world.clock.advance(11);
    let other = reindex(&second, &Reindex::default(), &quiet).await;
    assert!(matches!(other, Err(KeysError::Interrupted { .. })), "{other:?}");
    let done = rotate(&second, &what, &quiet).await.unwrap();
    assert_eq!(done.root_version, 2, "the version that it had begun with");
    // One batch was told of; the next may have been on its way.
    assert!((30..=130).contains(&done.rewrapped), "{}", done.rewrapped);
    let status = status(&second).await.unwrap();
    assert_eq!(status.apps[0].epochs.len(), 2, "no epoch was begun twice");
    assert_eq!(status.root_versions, [1, 2]);
}

#[tokio::test]
async fn a_reindex_moves_every_identifier_and_none_is_lost_or_taken_twice() {
    let (world, second) = two_nodes().await;
    let ada = world.person("ada").await;
    for n in 0..120 {
        world.person(&format!("before{n}")).await;
    }
    interrupted(async |told| reindex(&second, &Reindex::default(), told).await).await;
    assert_eq!(found(&world, &world.oubli, "ada").await, Ok(ada), "found in between");
    let bob = world.person("bob").await;
    world.clock.advance(11);
    let gone = world.person("gone").await;
    world.request(Right::Erasure, gone).await;
    let load = async {
        for n in 0..30 {
            world.person(&format!("during{n}")).await;
        }
        world.work().await;
    };
    let what = Reindex::default();
    let (done, ()) = join(reindex(&second, &what, &quiet), load).await;
    assert_eq!((done.unwrap().left, versions(&world).await), (0, vec![(2, 152)]));
    // The first node heard of nothing.
    for (name, person) in [("ada", ada), ("bob", bob)] {
        assert_eq!(found(&world, &world.oubli, name).await, Ok(person));
    }
    assert_eq!(found(&world, &world.oubli, "gone").await, Err(Code::SubjectNotFound));
    let value = Pii::new(email("ADA"));
    let again = NewIdentifier { kind: IdentifierType::Email, value };
    let taken = subjects::create(&world.oubli, &world.call(), vec![again]).await;
    assert_eq!(refused(taken), Code::IdentifierTaken);
}

#[tokio::test]
async fn retirement_makes_certificates_final_and_old_copies_unreadable() {
    let (world, second) = two_nodes().await;
    let ada = world.customer("ada").await;
    let request = world.request(Right::Erasure, ada).await;
    world.work().await;
    let bob = world.customer("bob").await;
    let copies = tempfile::tempdir().unwrap();
    second.keys().truncate_log().await.unwrap();
    std::fs::copy(world.dir.path().join("keys.db"), copies.path().join("keys.db")).unwrap();
    world.clock.advance(1);
    rotate(&second, &Rotate::default(), &quiet).await.unwrap();
    let graceful = Retire { grace_seconds: 86_400, before: None };
    assert_eq!(due(&second, graceful).await.unwrap(), Due::default());
    let done = retire(&second, graceful).await.unwrap();
    assert_eq!((done.epochs, done.root_versions.len(), done.certificates), (0, 0, 0));

    world.clock.advance(86_400);
    let done = retire(&second, graceful).await.unwrap();
    assert_eq!((done.epochs, done.root_versions, done.certificates), (1, vec![1], 1));
    let jws = requests::certificate(&world.oubli, &world.caller(), request).await.unwrap();
    let keys = log_keys(&world.oubli).await.unwrap();
    let keys = keys.into_iter().map(|key| {
        let mut jwk = serde_json::to_value(key.key).unwrap();
        jwk["app"] = serde_json::json!(key.app);
        jwk
    });
    let published = serde_json::json!({ "keys": keys.collect::<Vec<_>>() }).to_string();
    let claims = verify_certificate(&jws, &published).unwrap();
    assert_eq!((claims.request, claims.final_at), (request, Some(world.oubli.now())));
    let again = retire(&second, NOW).await.unwrap();
    assert_eq!((again.epochs, again.certificates), (0, 0), "nothing is left to do");

    assert!(world.oubli.keyring().data_key(&world.app, bob).await.is_ok());
    let root = second.keyring().root().versions();
    assert_eq!(root, [2]);
    // The copy of the keys from before, with the root key of today.
    std::fs::copy(world.dir.path().join("data.db"), copies.path().join("data.db")).unwrap();
    std::fs::create_dir(copies.path().join("root")).unwrap();
    restrict(&copies.path().join("root"));
    let key = "root/root.key";
    std::fs::copy(world.dir.path().join(key), copies.path().join(key)).unwrap();
    let opened = node(&copies, &world.clock).await;
    let unknown = VaultError::RootVersionUnknown { version: 1 }.to_string();
    assert!(opened.err().unwrap().to_string().contains(&unknown));
}

fn restrict(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn an_erasure_after_a_new_epoch_waits_for_that_one_too() {
    let (world, second) = two_nodes().await;
    let ada = world.customer("ada").await;
    rotate(&second, &Rotate::default(), &quiet).await.unwrap();
    world.clock.advance(1);
    world.request(Right::Erasure, ada).await;
    world.work().await;
    assert_eq!(retire(&second, NOW).await.unwrap().certificates, 0);
    world.clock.advance(1);
    rotate(&second, &Rotate::default(), &quiet).await.unwrap();
    assert_eq!(retire(&second, NOW).await.unwrap().certificates, 1);
}

#[tokio::test]
async fn a_root_key_that_cannot_be_changed_allows_new_epochs_alone() {
    let (dir, oubli, clock) = testing::oubli().await;
    let world = World::over(dir, oubli, clock).await;
    let ada = world.customer("ada").await;
    world.clock.advance(1);
    let refused = rotate(&world.oubli, &Rotate::default(), &quiet).await;
    assert!(matches!(refused, Err(KeysError::RootReadOnly { provider: "environment" })));
    assert_eq!(status(&world.oubli).await.unwrap().work, None, "nothing was begun");
    let what = Rotate { epoch_only: true, ..Rotate::default() };
    assert_eq!(rotate(&world.oubli, &what, &quiet).await.unwrap().root_version, 1);
    assert_eq!(epoch_of(&world, ada).await, 2);
    let done = retire(&world.oubli, NOW).await.unwrap();
    assert_eq!((done.epochs, done.root_versions.len()), (1, 0));
}

#[tokio::test]
async fn a_data_key_that_does_not_open_is_left_and_keeps_its_epoch() {
    let (world, second) = two_nodes().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    world.lose_key(ada, Some(world.foreign_key(ada).await)).await;
    testing::app(&world.oubli, "market").await;
    world.clock.advance(1);
    let done = rotate(&second, &Rotate::default(), &quiet).await.unwrap();
    assert_eq!((done.rewrapped, done.unreadable), (1, 1));
    assert_eq!((epoch_of(&world, ada).await, epoch_of(&world, bob).await), (1, 2));
    let found = due(&second, NOW).await.unwrap();
    let stays: Vec<_> = found.in_use.iter().map(|e| (&*e.app, e.epoch, e.data_keys)).collect();
    assert_eq!(stays, [("shop", 1, 1)]);
    let goes: Vec<_> = found.epochs.iter().map(|e| (&*e.app, e.epoch)).collect();
    assert_eq!((goes, found.root_versions.len()), (vec![("market", 1)], 0));
    assert_eq!(retire(&second, NOW).await.unwrap().epochs, 1, "another app's");
}

#[tokio::test]
async fn nothing_goes_that_was_not_confirmed() {
    let (world, second) = two_nodes().await;
    testing::app(&world.oubli, "market").await;
    world.clock.advance(1);
    rotate(&second, &Rotate::default(), &quiet).await.unwrap();
    let mut confirmed = due(&second, NOW).await.unwrap();
    assert_eq!((confirmed.epochs.len(), &*confirmed.root_versions), (2, &[1][..]));
    confirmed.epochs.pop();
    confirmed.root_versions.clear();
    let done = super::retire(&second, NOW, &confirmed, &quiet).await.unwrap();
    assert_eq!((done.epochs, done.root_versions.len()), (1, 0));
    retire_epochs_alone(&second).await;
    assert_eq!(due(&second, NOW).await.unwrap().root_versions, [1], "shown without an epoch");
    assert_eq!(retire(&second, NOW).await.unwrap().root_versions, [1]);
}

async fn retire_epochs_alone(oubli: &Oubli) {
    let confirmed = Due { root_versions: Vec::new(), ..due(oubli, NOW).await.unwrap() };
    let done = super::retire(oubli, NOW, &confirmed, &quiet).await.unwrap();
    assert_eq!((done.epochs, done.root_versions.len()), (1, 0));
}

#[tokio::test]
async fn another_node_takes_up_a_new_token_key_by_the_clock() {
    let (world, second) = two_nodes().await;
    let kids =
        async |oubli: &Oubli| jwks(oubli).await.into_iter().map(|key| key.kid).collect::<Vec<_>>();
    let signs = async |oubli: &Oubli| {
        let secrets = oubli.recent_secrets().await;
        secrets.signing(oubli.now()).key_id().to_owned()
    };
    let old = kids(&world.oubli).await;
    let begun = rotate_tokens(&second).await.unwrap();
    assert!(matches!(rotate_tokens(&second).await, Err(KeysError::TokensWaiting { .. })));
    world.clock.advance(30);
    let both = kids(&world.oubli).await;
    assert_eq!((both.len(), &both[0]), (2, &old[0]), "published before it signs");
    assert_eq!(signs(&world.oubli).await, both[0]);
    world.clock.advance(begun.signs_from.seconds() - world.oubli.now().seconds());
    assert_eq!(signs(&world.oubli).await, both[1]);
    assert_eq!(kids(&world.oubli).await, both);
    world.clock.advance(begun.old_gone_at.seconds() - world.oubli.now().seconds());
    assert_eq!(kids(&world.oubli).await, both[1..]);
    world.work().await;
    assert_eq!(status(&second).await.unwrap().token_keys.len(), 1, "and then it is deleted");
    assert_eq!(signs(&world.oubli).await, both[1]);
}

#[tokio::test]
async fn another_node_takes_up_a_new_token_key_though_the_clock_stepped_back() {
    let (world, second) = two_nodes().await;
    let year = 365 * 24 * 3_600;
    world.clock.advance(year);
    assert_eq!(jwks(&world.oubli).await.len(), 1);
    world.clock.advance(-year);
    rotate_tokens(&second).await.unwrap();
    assert_eq!(jwks(&world.oubli).await.len(), 2);
}
