//! Migrations: applied once, never over a schema that does not fit.

use std::collections::BTreeMap;

use oubli_store::migrate::{self, Step};
use oubli_store::{Db, Location, MigrationError, Schema, StoreError};
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::catalog::{Table, tables};
use crate::common::{Place, both_engines};

const NEWER: &str = "insert into _sqlx_migrations \
    (version, description, installed_on, success, checksum, execution_time) \
    select 9999, 'data later', installed_on, success, checksum, 0 from _sqlx_migrations \
    where version = 1";
const EDITED: &str = "update _sqlx_migrations set checksum = substr(checksum, 2)";

/// What another program does to the database.
async fn meddle(at: &Location, sql: &'static str) -> sqlx::Result<()> {
    match at {
        Location::Sqlite(file) => {
            let mut conn = SqliteConnection::connect(&file.to_string_lossy()).await?;
            sqlx::query(sql).execute(&mut conn).await?;
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::connect(url).await?;
            sqlx::query(sql).execute(&mut conn).await?;
        }
    }
    Ok(())
}

async fn applied(at: &Location) -> sqlx::Result<Vec<(i64, Vec<u8>)>> {
    let sql = "select version, checksum from _sqlx_migrations order by version";
    match at {
        Location::Sqlite(file) => {
            let mut conn = SqliteConnection::connect(&file.to_string_lossy()).await?;
            sqlx::query_as(sql).fetch_all(&mut conn).await
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::connect(url).await?;
            sqlx::query_as(sql).fetch_all(&mut conn).await
        }
    }
}

type State = (BTreeMap<String, Table>, Vec<(i64, Vec<u8>)>);

async fn state(at: &Location) -> sqlx::Result<State> {
    Ok((tables(at).await?, applied(at).await?))
}

async fn steps(place: &Place, schema: Schema) -> anyhow::Result<Vec<Step>> {
    let db = Db::open_for_migration(schema, &place.location(schema).await?).await?;
    let steps = migrate::status(&db).await?;
    db.close().await;
    Ok(steps)
}

/// Opens, then migrates, a database that does not fit; gives both answers.
async fn refused(at: &Location) -> anyhow::Result<[MigrationError; 2]> {
    let opened = Db::open(Schema::Data, at, 2).await.map(drop);
    let db = Db::open_for_migration(Schema::Data, at).await?;
    let applied = migrate::apply(&db).await;
    db.close().await;
    match (opened, applied) {
        (Err(StoreError::Migration(one)), Err(StoreError::Migration(two))) => Ok([one, two]),
        other => anyhow::bail!("not refused: {other:?}"),
    }
}

/// A fresh database lists its migrations as missing, takes them once, and then has them all.
async fn a_fresh_database_is_migrated_once(place: Place) -> anyhow::Result<()> {
    for schema in [Schema::Data, Schema::Keys] {
        let before = steps(&place, schema).await?;
        assert!(!before.is_empty() && before.iter().all(|step| !step.applied));
        assert!(before.iter().all(|step| step.description.starts_with(schema.as_str())));
        place.open(schema).await?.close().await;
        let first = state(&place.location(schema).await?).await?;
        place.open(schema).await?.close().await;
        assert_eq!(state(&place.location(schema).await?).await?, first);
        assert!(steps(&place, schema).await?.iter().all(|step| step.applied));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_sqlite_file_is_migrated_once() -> anyhow::Result<()> {
    a_fresh_database_is_migrated_once(Place::sqlite()?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_postgres_database_is_migrated_once() -> anyhow::Result<()> {
    a_fresh_database_is_migrated_once(Place::postgres()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_migrates_a_sqlite_file() -> anyhow::Result<()> {
    let place = Place::sqlite()?;
    Db::open(Schema::Keys, &place.location(Schema::Keys).await?, 2).await?.close().await;
    assert!(steps(&place, Schema::Keys).await?.iter().all(|step| step.applied));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_does_not_migrate_postgres() -> anyhow::Result<()> {
    let place = Place::postgres();
    let at = place.location(Schema::Data).await?;
    let count = steps(&place, Schema::Data).await?.len();
    let opened = Db::open(Schema::Data, &at, 2).await;
    assert!(
        matches!(&opened, Err(StoreError::Migration(MigrationError::Pending { count: missing, .. }))
            if *missing == count),
        "{opened:?}"
    );
    assert!(tables(&at).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_migrate_at_once_both_succeed() -> anyhow::Result<()> {
    for place in [Place::sqlite()?, Place::postgres()] {
        let (one, two) = tokio::join!(place.open(Schema::Data), place.open(Schema::Data));
        one?.close().await;
        two?.close().await;
    }
    Ok(())
}

both_engines! {
    async fn a_newer_schema_is_refused_and_left_as_it_is(stores: Stores) {
        let at = stores.place.location(Schema::Data).await?;
        meddle(&at, NEWER).await?;
        let before = state(&at).await?;
        for error in refused(&at).await? {
            assert!(matches!(error, MigrationError::Newer { version: 9999, .. }), "{error:?}");
        }
        assert_eq!(state(&at).await?, before);
    }

    async fn an_edited_migration_is_refused_and_left_as_it_is(stores: Stores) {
        let at = stores.place.location(Schema::Data).await?;
        meddle(&at, EDITED).await?;
        let before = state(&at).await?;
        for error in refused(&at).await? {
            assert!(matches!(error, MigrationError::Changed { version: 1, .. }), "{error:?}");
        }
        assert_eq!(state(&at).await?, before);
    }
}
