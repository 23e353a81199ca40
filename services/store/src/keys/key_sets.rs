//! The revision of an app's set of keys: the newest epoch and the index versions in force. Rows
//! are written under keys only while the revision that these were loaded at is held; see ADR 8.

use oubli_domain::AppId;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    CREATE = "insert into key_sets (app_id, revision) values ($1, $2) on conflict (app_id) do nothing";
    GET = "select revision from key_sets where app_id = $1";
    HOLD = lite "select revision from key_sets where app_id = $1"
           pg "select revision from key_sets where app_id = $1 for share";
    CHANGE = "update key_sets set revision = revision + 1 where app_id = $1 and revision = $2";
    ROOT_FLOOR = "select version from root_floor where name = $1";
    HOLD_ROOT = lite "select version from root_floor where name = $1"
                pg "select version from root_floor where name = $1 for share";
    RAISE_ROOT = "update root_floor set version = $2 where name = $1";
}

/// The revision of an app's first keys.
const FIRST: i64 = 1;
/// The name of the one row of `root_floor`.
const ROOT: &str = "root";

/// The proof that an app's keys are those that a row is written under, until the transaction ends.
#[derive(Debug)]
pub struct Held {
    app: AppId,
}

impl Held {
    /// Whose keys they are.
    #[must_use]
    pub fn app(&self) -> &AppId {
        &self.app
    }
}

/// The proof that a root key version is not about to be deleted, until the transaction ends.
#[derive(Debug)]
pub struct RootHeld {
    version: i64,
}

impl RootHeld {
    /// The version that may be wrapped under.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }
}

/// Begins the set of a new app; none when it has begun already.
///
/// # Errors
/// When the database does not answer.
pub async fn create(tx: &mut Tx, app: &AppId) -> Result<Option<Held>> {
    let new = tx.execute(&CREATE, (app, FIRST)).await? == 1;
    Ok(new.then(|| Held { app: app.clone() }))
}

/// The revision of an app's keys; none for an app without keys.
///
/// # Errors
/// When the database does not answer.
pub async fn revision(conn: &mut Conn, app: &AppId) -> Result<Option<i64>> {
    let row: Option<(i64,)> = conn.optional(&GET, (app,)).await?;
    Ok(row.map(|(revision,)| revision))
}

/// Holds the app's keys as they were loaded at `revision`: nobody changes them before this
/// transaction ends.
///
/// # Errors
/// [`StoreError::Stale`] when they have changed: load them again and prepare the write again.
pub async fn hold(tx: &mut Tx, app: &AppId, revision: i64) -> Result<Held> {
    let row: Option<(i64,)> = tx.optional(&HOLD, (app,)).await?;
    match row {
        Some((now,)) if now == revision => Ok(Held { app: app.clone() }),
        _ => Err(StoreError::Stale),
    }
}

/// Begins a change of the app's keys as they were loaded at `revision`: waits for the writers that
/// hold them, and makes the later ones load them again.
///
/// # Errors
/// [`StoreError::Stale`] when they have changed already.
pub async fn change(tx: &mut Tx, app: &AppId, revision: i64) -> Result<Held> {
    match tx.execute(&CHANGE, (app, revision)).await? {
        1 => Ok(Held { app: app.clone() }),
        _ => Err(StoreError::Stale),
    }
}

/// Holds a root key version to wrap something under it.
///
/// # Errors
/// [`StoreError::Stale`] when the version is about to be deleted: read the provider again and wrap
/// under its current one.
pub async fn hold_root(tx: &mut Tx, version: i64) -> Result<RootHeld> {
    let (floor,): (i64,) = tx.one(&HOLD_ROOT, (ROOT,)).await?;
    if version < floor { Err(StoreError::Stale) } else { Ok(RootHeld { version }) }
}

/// The lowest root key version that may still be wrapped under.
///
/// # Errors
/// When the database does not answer.
pub async fn root_floor(conn: &mut Conn) -> Result<i64> {
    let (floor,): (i64,) = conn.one(&ROOT_FLOOR, (ROOT,)).await?;
    Ok(floor)
}

/// Lets nothing be wrapped under a root key version below `version` any more. What was being
/// wrapped is committed when this is: look for it in a later transaction.
///
/// # Errors
/// When the database does not answer.
pub async fn raise_root_floor(tx: &mut Tx, version: i64) -> Result<()> {
    tx.execute_one(&RAISE_ROOT, (ROOT, version)).await
}
