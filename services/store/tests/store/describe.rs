//! Every statement is prepared on both engines, so that none names a table or a column that is
//! not there. This stands in for checking SQL at compile time.

use oubli_store::testing::{Described, statements};
use oubli_store::{Location, Schema};
use sqlx::{Connection, Executor, PgConnection, SqlSafeStr, SqliteConnection};

use crate::common::Stores;

/// What the engine refuses, and why.
async fn refused(at: &Location, statements: Vec<Described>) -> sqlx::Result<Vec<String>> {
    let mut refused = Vec::new();
    match at {
        Location::Sqlite(file) => {
            let mut conn = SqliteConnection::connect(&file.to_string_lossy()).await?;
            for Described { name, lite, .. } in statements {
                let prepared = conn.prepare(lite.into_sql_str()).await;
                refused.extend(prepared.err().map(|error| format!("{name}: {error}")));
            }
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::connect(url).await?;
            for Described { name, pg, .. } in statements {
                let prepared = conn.prepare(pg.into_sql_str()).await;
                refused.extend(prepared.err().map(|error| format!("{name}: {error}")));
            }
        }
    }
    Ok(refused)
}

async fn every_statement_prepares(stores: Stores) -> anyhow::Result<()> {
    stores.keys().await?.close().await;
    for schema in [Schema::Data, Schema::Keys] {
        let statements: Vec<_> = statements().filter(|s| s.schema == schema).collect();
        assert!(!statements.is_empty());
        let refused = refused(&stores.place.location(schema).await?, statements).await?;
        assert_eq!(refused, [""; 0]);
    }
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
