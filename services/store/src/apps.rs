//! Apps: the tenants, with their settings and the number of the data map that is in force.

use oubli_domain::{AppId, AppState, Code, Refusal, Time};

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into apps (app_id, title, settings, data_map_version, revision, created_at) \
        values ($1, $2, $3, 0, 0, $4)";
    GET = "select app_id, title, settings, data_map_version, revision, state, created_at from apps \
        where app_id = $1";
    LIST = "select app_id, title, settings, data_map_version, revision, state, created_at from apps \
        where app_id > $1 order by app_id limit $2";
    SET_SETTINGS = "update apps set settings = $2, revision = revision + 1 \
        where app_id = $1 and state = 'active'";
    SET_DATA_MAP_VERSION = "update apps set data_map_version = $3, revision = revision + 1 \
        where app_id = $1 and data_map_version = $2 and state = 'active'";
    TOUCH = "update apps set revision = revision + 1 where app_id = $1 and state = 'active'";
    STATE = "select state from apps where app_id = $1";
    HOLD = lite "select state from apps where app_id = $1"
           pg "select state from apps where app_id = $1 for share";
    SET_STATE = "update apps set state = $3, revision = revision + 1 \
        where app_id = $1 and state = $2";
    WIPE = "update apps set title = app_id, settings = '{}', data_map_version = 0, \
        revision = revision + 1 where app_id = $1 and state = 'deleting'";
    FIRST = "select app_id from apps order by app_id limit 1";
}

/// An app as it is registered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewApp {
    /// Its name in every path.
    pub app: AppId,
    /// What people call it.
    pub title: String,
    /// Its settings, as JSON.
    pub settings_json: String,
    /// When it was registered.
    pub created_at: Time,
}

/// A stored app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct App {
    /// Its name in every path.
    pub app: AppId,
    /// What people call it.
    pub title: String,
    /// Its settings, as JSON.
    pub settings_json: String,
    /// The version of the data map in force; 0 before the first one.
    pub data_map_version: i64,
    /// Counts the changes to what the app declares (settings, data map, notices), so that what is
    /// made of them can be kept in memory until it moves.
    pub revision: i64,
    /// Whether it can be used.
    pub state: AppState,
    /// When it was registered.
    pub created_at: Time,
}

#[derive(sqlx::FromRow)]
struct Row {
    app_id: String,
    title: String,
    settings: String,
    data_map_version: i64,
    revision: i64,
    state: String,
    created_at: i64,
}

impl Row {
    fn read(self) -> Result<App> {
        Ok(App {
            app: AppId::new(self.app_id).map_err(|_| StoreError::Damaged("apps.app_id"))?,
            title: self.title,
            settings_json: self.settings,
            data_map_version: self.data_map_version,
            revision: self.revision,
            state: read_state(&self.state)?,
            created_at: Time(self.created_at),
        })
    }
}

pub(crate) fn read_state(text: &str) -> Result<AppState> {
    text.parse().map_err(|_| StoreError::Damaged("apps.state"))
}

/// Registers an app, without a data map.
///
/// # Errors
/// [`StoreError::Duplicate`] when its name is taken.
pub async fn insert(tx: &mut Tx, new: &NewApp) -> Result<()> {
    tx.execute_one(&INSERT, (&new.app, &new.title, &new.settings_json, new.created_at)).await
}

/// The app, or none.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn get(conn: &mut Conn, app: &AppId) -> Result<Option<App>> {
    conn.optional::<Row>(&GET, (app,)).await?.map(Row::read).transpose()
}

/// At most `limit` apps by name, from the one that follows `after`.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn list(conn: &mut Conn, after: Option<&AppId>, limit: i64) -> Result<Vec<App>> {
    let rows = conn.all::<Row>(&LIST, (after.map_or("", AppId::as_str), limit)).await?;
    rows.into_iter().map(Row::read).collect()
}

/// Replaces the app's settings.
///
/// # Errors
/// [`StoreError::RowCount`] when there is no such app.
pub async fn set_settings(tx: &mut Tx, app: &AppId, settings_json: &str) -> Result<()> {
    tx.execute_one(&SET_SETTINGS, (app, settings_json)).await
}

/// Puts data map `to` in force in place of `from`, the version that the caller saw.
///
/// # Errors
/// [`StoreError::RowCount`] when another version than `from` is in force by now.
pub async fn set_data_map_version(tx: &mut Tx, app: &AppId, from: i64, to: i64) -> Result<()> {
    tx.execute_one(&SET_DATA_MAP_VERSION, (app, from, to)).await
}

/// Counts a change to something else that the app declares, such as a notice.
///
/// # Errors
/// `app-not-found`, also when its deletion was approved.
pub async fn touch(tx: &mut Tx, app: &AppId) -> Result<()> {
    active(tx.execute(&TOUCH, (app,)).await? == 1)
}

/// The state of an app; none when there is no such app.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn state(conn: &mut Conn, app: &AppId) -> Result<Option<AppState>> {
    let row: Option<(String,)> = conn.optional(&STATE, (app,)).await?;
    row.map(|(state,)| read_state(&state)).transpose()
}

/// Holds an app until the end of the transaction, so that its deletion is not approved meanwhile.
/// Every transaction that adds a row of an app calls this, unless it locks one of the app's subjects
/// or updates the app's own row: a deletion stops those by what it deletes first.
///
/// # Errors
/// `app-not-found`, also when its deletion was approved.
pub async fn hold(tx: &mut Tx, app: &AppId) -> Result<()> {
    let row: Option<(String,)> = tx.optional(&HOLD, (app,)).await?;
    let state = row.map(|(state,)| read_state(&state)).transpose()?;
    active(state == Some(AppState::Active))
}

fn active(is: bool) -> Result<()> {
    if is { Ok(()) } else { Err(Refusal::new(Code::AppNotFound).into()) }
}

/// Leads an app from one state to another. On PostgreSQL this waits for all who [`hold`] it.
///
/// # Errors
/// [`StoreError::RowCount`] when it is in another state.
pub async fn set_state(tx: &mut Tx, app: &AppId, from: AppState, to: AppState) -> Result<()> {
    tx.execute_one(&SET_STATE, (app, from.as_str(), to.as_str())).await
}

/// Takes everything but the name out of the row of an app that is being deleted.
///
/// # Errors
/// [`StoreError::RowCount`] when it is in another state.
pub async fn wipe(tx: &mut Tx, app: &AppId) -> Result<()> {
    tx.execute_one(&WIPE, (app,)).await
}

/// Whether any app is registered.
///
/// # Errors
/// When the database fails.
pub async fn any(conn: &mut Conn) -> Result<bool> {
    Ok(conn.optional::<(String,)>(&FIRST, ()).await?.is_some())
}
