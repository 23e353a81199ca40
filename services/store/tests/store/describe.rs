//! Every statement is prepared on both engines, so that none names a table or a column that is
//! not there. This stands in for checking SQL at compile time.

use oubli_store::{Location, Schema};
use sqlx::{Connection, Executor, PgConnection, SqlSafeStr, SqliteConnection};

use crate::common::Stores;

/// Modules below `keys` speak to the `keys` database, all others to `data`.
fn schema_of(statement: &str) -> Schema {
    if statement.starts_with("oubli_store::keys::") { Schema::Keys } else { Schema::Data }
}

async fn refused(at: &Location, lite: &'static str, pg: &'static str) -> Option<String> {
    let prepared = match at {
        Location::Sqlite(file) => {
            let mut conn = SqliteConnection::connect(&file.to_string_lossy()).await.ok()?;
            conn.prepare(lite.into_sql_str()).await.map(drop)
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::connect(url).await.ok()?;
            conn.prepare(pg.into_sql_str()).await.map(drop)
        }
    };
    prepared.err().map(|error| error.to_string())
}

async fn every_statement_prepares(stores: Stores) -> anyhow::Result<()> {
    let statements = oubli_store::testing::statements();
    assert!(!statements.is_empty());
    let mut failures = Vec::new();
    for (name, lite, pg) in statements {
        let at = stores.place.location(schema_of(name));
        if let Some(error) = refused(&at, lite, pg).await {
            failures.push(format!("{name}: {error}"));
        }
    }
    assert_eq!(failures, [""; 0]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_prepares_on_sqlite() -> anyhow::Result<()> {
    every_statement_prepares(Stores::sqlite().await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_prepares_on_postgres() -> anyhow::Result<()> {
    every_statement_prepares(Stores::postgres().await?).await
}
