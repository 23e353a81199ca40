//! Whether the service can serve: each thing it stands on is asked once.

use std::collections::BTreeMap;

use oubli_store::jobs;
use oubli_store::keys::service_secrets;
use oubli_vault::{WrappedKey, open_service_secret};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::oubli::Oubli;

/// A worker of this process that has not turned for longer has stopped, in seconds.
const WORKER_SECONDS: i64 = 120;

/// What one check found.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Check {
    /// `pass` or `fail`.
    pub status: Status,
    /// What else is known.
    #[serde(flatten)]
    pub facts: Map<String, Value>,
}

/// Whether a check passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It did.
    Pass,
    /// It did not.
    Fail,
}

/// Every check, by name.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Readiness {
    /// `pass` when every check passed.
    pub status: Status,
    /// The checks: `data_database`, `keys_database`, `root_key`, `job_worker`, `version`.
    pub checks: BTreeMap<&'static str, Check>,
}

impl Readiness {
    /// Whether every check passed.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status == Status::Pass
    }
}

/// Asks both databases, the root key and the worker. `version` is that of the binary.
pub async fn ready(oubli: &Oubli, version: &str) -> Readiness {
    let (data, keys, root) = tokio::join!(data(oubli), keys(oubli), root_key(oubli));
    let checks = BTreeMap::from([
        ("data_database", check(data)),
        ("keys_database", check(keys)),
        ("root_key", check(root)),
        ("job_worker", check(job_worker(oubli).await)),
        ("version", check(Ok(json!({ "version": version })))),
    ]);
    let all = checks.values().all(|check| check.status == Status::Pass);
    Readiness { status: if all { Status::Pass } else { Status::Fail }, checks }
}

fn check(found: Result<Value>) -> Check {
    match found {
        Ok(Value::Object(facts)) => Check { status: Status::Pass, facts },
        Ok(_) => Check { status: Status::Pass, facts: Map::new() },
        Err(error) => {
            tracing::warn!(error = %error, "a health check failed");
            Check { status: Status::Fail, facts: Map::new() }
        }
    }
}

async fn data(oubli: &Oubli) -> Result<Value> {
    jobs::next_due(&mut oubli.data().conn().await?).await?;
    Ok(json!({ "engine": oubli.data().engine_name() }))
}

async fn keys(oubli: &Oubli) -> Result<Value> {
    service_secrets::all(&mut oubli.keys().conn().await?).await?;
    Ok(json!({ "engine": oubli.keys().engine_name() }))
}

/// The root key still opens what it wrapped.
async fn root_key(oubli: &Oubli) -> Result<Value> {
    let root = oubli.keyring().root();
    let secrets = service_secrets::all(&mut oubli.keys().conn().await?).await?;
    for secret in secrets {
        let number = |n: i64| u32::try_from(n).map_err(|_| Error::Damaged("service_secrets"));
        let wrapped =
            WrappedKey { root_version: number(secret.root_version)?, bytes: secret.wrapped };
        open_service_secret(root, &secret.name, number(secret.version)?, &wrapped)?;
    }
    Ok(json!({ "provider": root.name(), "version": root.current() }))
}

/// The worker of this process turns, where there is one; the queue says the rest.
async fn job_worker(oubli: &Oubli) -> Result<Value> {
    let beat = oubli.node().last_beat();
    if beat.is_some_and(|at| at.plus_seconds(WORKER_SECONDS) < oubli.now()) {
        return Err(Error::TaskEnded("the worker"));
    }
    let counts = jobs::counts(&mut oubli.data().conn().await?).await?;
    Ok(json!({
        "here": beat.is_some(), "ready": counts.ready, "leased": counts.leased,
        "dead": counts.dead,
    }))
}
