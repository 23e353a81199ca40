//! Apps: the tenants, with their settings and the number of the data map that is in force.

use oubli_domain::{AppId, Time};

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into apps (app_id, title, settings, data_map_version, revision, created_at) \
        values ($1, $2, $3, 0, 0, $4)";
    GET = "select app_id, title, settings, data_map_version, revision, created_at from apps \
        where app_id = $1";
    LIST = "select app_id, title, settings, data_map_version, revision, created_at from apps \
        where app_id > $1 order by app_id limit $2";
    SET_SETTINGS = "update apps set settings = $2, revision = revision + 1 where app_id = $1";
    SET_DATA_MAP_VERSION = "update apps set data_map_version = $3, revision = revision + 1 \
        where app_id = $1 and data_map_version = $2";
    TOUCH = "update apps set revision = revision + 1 where app_id = $1";
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
            created_at: Time(self.created_at),
        })
    }
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
/// [`StoreError::RowCount`] when the app is not there.
pub async fn touch(tx: &mut Tx, app: &AppId) -> Result<()> {
    tx.execute_one(&TOUCH, (app,)).await
}

/// Whether any app is registered.
///
/// # Errors
/// When the database fails.
pub async fn any(conn: &mut Conn) -> Result<bool> {
    Ok(conn.optional::<(String,)>(&FIRST, ()).await?.is_some())
}
