//! What the tests of the routes share: a service over a temporary embedded store.

use std::sync::Arc;
use std::time::Duration;

use oubli_app::{Databases, Options, Oubli};
use oubli_domain::clock::SystemClock;
use oubli_store::Location;
use oubli_vault::EnvironmentProvider;
use tempfile::TempDir;

/// The password of every staff user.
pub(crate) const PASSWORD: &str = "a good long password";

/// A service of its own for each test. Keep the folder for as long as the service.
pub(crate) async fn service(dir: &TempDir) -> Arc<Oubli> {
    let file = |name: &str| Location::Sqlite(dir.path().join(name));
    let databases = Databases::open(&file("data.db"), &file("keys.db"), 4).await.unwrap();
    let root = EnvironmentProvider::parse(&format!("{}=", "A".repeat(43))).unwrap();
    let options = Options {
        issuer: "https://oubli.test".to_owned(),
        key_cache: Duration::from_mins(1),
        certificate_wait: Duration::from_mins(1),
        journal_dir: dir.path().join("journal"),
    };
    let oubli = Oubli::open(databases, Arc::new(root), Arc::new(SystemClock), options).await;
    Arc::new(oubli.unwrap())
}
