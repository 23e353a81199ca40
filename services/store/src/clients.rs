//! OAuth clients of an app: who may call for it, with which scopes. A secret is kept as a MAC.

use oubli_domain::scope::Scopes;
use oubli_domain::{AppId, ClientId, Time};

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into clients (app_id, client_id, title, scopes, secret_mac, created_at) \
        values ($1, $2, $3, $4, $5, $6)";
    GET = "select app_id, client_id, title, scopes, secret_mac, created_at, rotated_at, \
        revoked_at, previous_secret_mac, previous_secret_until from clients where app_id = $1 and client_id = $2";
    LIST = "select app_id, client_id, title, scopes, secret_mac, created_at, rotated_at, \
        revoked_at, previous_secret_mac, previous_secret_until from clients where app_id = $1 and client_id > $2 \
        order by client_id limit $3";
    SET_SECRET = "update clients set previous_secret_mac = case when cast($5 as bigint) is null then null else secret_mac end, \
        previous_secret_until = $5, secret_mac = $3, rotated_at = $4 \
        where app_id = $1 and client_id = $2 and revoked_at is null";
    REVOKE = "update clients set revoked_at = $3 \
        where app_id = $1 and client_id = $2 and revoked_at is null";
}

/// A client as it is created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewClient {
    /// Its id.
    pub client: ClientId,
    /// The app it calls for.
    pub app: AppId,
    /// What people call it.
    pub title: String,
    /// What its tokens may do at most.
    pub scopes: Scopes,
    /// The MAC of its secret.
    pub secret_mac: Vec<u8>,
    /// When it was created.
    pub created_at: Time,
}

/// A stored client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// Its id.
    pub client: ClientId,
    /// The app it calls for.
    pub app: AppId,
    /// What people call it.
    pub title: String,
    /// What its tokens may do at most.
    pub scopes: Scopes,
    /// The MAC of its secret.
    pub secret_mac: Vec<u8>,
    /// When it was created.
    pub created_at: Time,
    /// When its secret was last replaced.
    pub rotated_at: Option<Time>,
    /// Since when it may not call any more.
    pub revoked_at: Option<Time>,
    /// The MAC of the secret before, and until when that one still gets tokens.
    pub previous: Option<(Vec<u8>, Time)>,
}

#[derive(sqlx::FromRow)]
struct Row {
    app_id: String,
    client_id: String,
    title: String,
    scopes: String,
    secret_mac: Vec<u8>,
    created_at: i64,
    rotated_at: Option<i64>,
    revoked_at: Option<i64>,
    previous_secret_mac: Option<Vec<u8>>,
    previous_secret_until: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Client> {
        Ok(Client {
            client: ClientId::new(self.client_id)
                .map_err(|_| StoreError::Damaged("clients.client_id"))?,
            app: AppId::new(self.app_id).map_err(|_| StoreError::Damaged("clients.app_id"))?,
            title: self.title,
            scopes: Scopes::parse(&self.scopes)
                .map_err(|_| StoreError::Damaged("clients.scopes"))?,
            secret_mac: self.secret_mac,
            created_at: Time(self.created_at),
            rotated_at: self.rotated_at.map(Time),
            revoked_at: self.revoked_at.map(Time),
            previous: self.previous_secret_mac.zip(self.previous_secret_until.map(Time)),
        })
    }
}

/// Creates a client.
///
/// # Errors
/// [`StoreError::Duplicate`] when its id is taken.
pub async fn insert(tx: &mut Tx, new: &NewClient) -> Result<()> {
    let scopes = new.scopes.to_string();
    let args = (&new.app, &new.client, &new.title, scopes, &new.secret_mac, new.created_at);
    tx.execute_one(&INSERT, args).await
}

/// The client of this app, revoked or not, or none.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn get(conn: &mut Conn, app: &AppId, client: &ClientId) -> Result<Option<Client>> {
    conn.optional::<Row>(&GET, (app, client)).await?.map(Row::read).transpose()
}

/// At most `limit` clients of the app by id, so by age, from the one that follows `after`.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn list(
    conn: &mut Conn,
    app: &AppId,
    after: Option<&ClientId>,
    limit: i64,
) -> Result<Vec<Client>> {
    let rows = conn.all::<Row>(&LIST, (app, after.map_or("", ClientId::as_str), limit)).await?;
    rows.into_iter().map(Row::read).collect()
}

/// Replaces the MAC of the client's secret. The secret before gets tokens until `keep_until`, or is
/// worth nothing from now on; one before that is worth nothing either way.
///
/// # Errors
/// [`StoreError::RowCount`] when the app has no such client, or it is revoked.
pub async fn set_secret(
    tx: &mut Tx,
    app: &AppId,
    client: &ClientId,
    mac: &[u8],
    at: Time,
    keep_until: Option<Time>,
) -> Result<()> {
    tx.execute_one(&SET_SECRET, (app, client, mac, at, keep_until)).await
}

/// Revokes the client; false when the app has no such client or it is revoked already.
///
/// # Errors
/// When the database fails.
pub async fn revoke(tx: &mut Tx, app: &AppId, client: &ClientId, at: Time) -> Result<bool> {
    Ok(tx.execute(&REVOKE, (app, client, at)).await? == 1)
}
