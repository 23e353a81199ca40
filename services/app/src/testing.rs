//! What the tests of the use cases share: a service over a temporary embedded store, whose clock
//! stands still.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use oubli_domain::clock::TestClock;
use oubli_domain::{AppId, Code, Time};
use oubli_store::Location;
use oubli_vault::EnvironmentProvider;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::auth::keys::{LogKey, log_keys};
use crate::{Call, Databases, Error, Options, Oubli, apps};

/// When the tests begin: a Thursday, 2026-01-15T12:00:00Z.
pub(crate) const START: Time = Time(1_768_478_400_000_000);

/// The issuer of the tests' tokens.
pub(crate) const ISSUER: &str = "https://oubli.test";

/// A service of its own for each test. Keep the folder for as long as the service.
pub(crate) async fn oubli() -> (TempDir, Arc<Oubli>, Arc<TestClock>) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(TestClock::at(START));
    let oubli = node(&dir, &clock).await;
    (dir, oubli, clock)
}

/// A node over the store in a folder; a second one shares what the first one wrote.
pub(crate) async fn node(dir: &TempDir, clock: &Arc<TestClock>) -> Arc<Oubli> {
    node_that_holds(dir, clock, Duration::from_mins(1)).await
}

/// The same, with keys held for so long.
pub(crate) async fn node_that_holds(
    dir: &TempDir,
    clock: &Arc<TestClock>,
    key_cache: Duration,
) -> Arc<Oubli> {
    let file = |name: &str| Location::Sqlite(dir.path().join(name));
    let databases = Databases::open(&file("data.db"), &file("keys.db"), 4).await.unwrap();
    // Base64 of 32 zero bytes: the root key of nobody's data.
    let root = EnvironmentProvider::parse(&format!("{}=", "A".repeat(43))).unwrap();
    let options = Options {
        issuer: ISSUER.to_owned(),
        key_cache,
        certificate_wait: Duration::from_mins(1),
        journal_dir: dir.path().join("journal"),
    };
    Arc::new(Oubli::open(databases, Arc::new(root), clock.clone(), options).await.unwrap())
}

/// Registers an app, without a data map.
pub(crate) async fn app(oubli: &Oubli, name: &str) -> AppId {
    let app = AppId::new(name).unwrap();
    apps::create(oubli, &Call::system(app.clone()), "A test app").await.unwrap();
    app
}

/// The document at `/.well-known/oubli-keys`.
pub(crate) async fn published_keys(oubli: &Oubli) -> Value {
    let one = |key: LogKey| {
        let mut jwk = serde_json::to_value(key.key).unwrap();
        jwk["app"] = json!(key.app);
        jwk
    };
    let keys = log_keys(oubli).await.unwrap();
    json!({ "keys": keys.into_iter().map(one).collect::<Vec<_>>() })
}

/// The code that a call was refused with.
#[track_caller]
pub(crate) fn refused<T>(result: Result<T, Error>) -> Code {
    result.err().unwrap().refusal().code
}
