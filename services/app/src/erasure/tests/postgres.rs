//! What differs on PostgreSQL: other nodes may hold a key for as long as their cache keeps one.

use std::sync::Arc;
use std::time::Duration;

use oubli_domain::Right;
use oubli_domain::clock::TestClock;
use oubli_domain::request::{ErasureStep, RequestState, Step};
use oubli_store::{Db, Location, Schema, migrate};
use oubli_test_postgres::{TestDatabase, create_database};
use oubli_vault::EnvironmentProvider;

use super::{left, verified};
use crate::requests::world::World;
use crate::testing::{ISSUER, START};
use crate::{Databases, Options, Oubli};

async fn database(schema: Schema) -> (TestDatabase, Location) {
    let database = create_database("app").await.unwrap();
    let at = Location::Postgres(database.url().to_owned());
    let migrating = Db::open_for_migration(schema, &at).await.unwrap();
    migrate::apply(&migrating).await.unwrap();
    migrating.close().await;
    (database, at)
}

/// A service whose certificates wait for a minute, with its two databases.
async fn waiting() -> (World, [TestDatabase; 2]) {
    let (data_database, data) = database(Schema::Data).await;
    let (keys_database, keys) = database(Schema::Keys).await;
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(START));
    let databases = Databases::open(&data, &keys, 8).await.unwrap();
    let root = EnvironmentProvider::parse(&format!("{}=", "A".repeat(43))).unwrap();
    let options = Options {
        issuer: ISSUER.to_owned(),
        // This node keeps nothing; others may.
        key_cache: Duration::ZERO,
        certificate_wait: Duration::from_mins(1),
        journal_dir: dir.path().join("journal"),
    };
    let oubli = Oubli::open(databases, Arc::new(root), clock.clone(), options).await.unwrap();
    (World::over(dir, Arc::new(oubli), clock).await, [data_database, keys_database])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wait_begins_anew_when_the_clock_steps_back() {
    let (world, _databases) = waiting().await;
    let ada = world.customer("ada").await;
    let request = world.request(Right::Erasure, ada).await;
    world.work().await;
    world.clock.advance(-365 * 24 * 3_600);
    world.work().await;
    world.clock.advance(60);
    world.work().await;
    assert!(!world.details(request).await.certificate, "the wait is not over");
    world.clock.advance(1);
    world.work().await;
    assert_eq!(world.details(request).await.request.state, RequestState::Completed);
    let claims = verified(&world, request).await;
    assert!(claims.key.deleted_at.is_some_and(|at| at <= claims.completed_at));
    world.oubli.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_waits_for_the_caches_of_other_nodes() {
    let (world, _databases) = waiting().await;
    let ada = world.customer("ada").await;
    world.request(Right::Access, ada).await;
    world.work().await;
    let request = world.request(Right::Erasure, ada).await;
    world.work().await;
    assert_eq!(left(&world, ada).await.len(), 1, "the requests' link alone");
    world.clock.advance(60);
    world.work().await;
    let row = world.details(request).await;
    assert_eq!(row.request.step, Step::Erasure(ErasureStep::KeysDeleted));
    assert!(!row.certificate);
    world.clock.advance(1);
    world.work().await;
    assert_eq!(world.details(request).await.request.state, RequestState::Completed);
    assert_eq!(left(&world, ada).await, []);
    assert_eq!(verified(&world, request).await.deleted["exports"], 1);
    world.oubli.close().await;
}
