//! What the writer does when a transaction is lost as a whole, as a full disk loses it.

use futures_util::future::join_all;
use tempfile::TempDir;

use crate::statement::Statement;
use crate::{Db, Location, Result, Schema, StoreError};

/// The name, and one text for SQLite.
const fn lite(name: &'static str, text: &'static str) -> Statement {
    Statement { name, lite: text, pg: text, anew: false }
}

const INSERT: Statement = lite(
    "insert",
    "insert into sessions (session_id, user_id, created_at, expires_at) values ($1, $1, 0, 0)",
);
const ALONE: Statement = lite(
    "alone",
    "insert into sessions (session_id, user_id, created_at, expires_at) values ($1, $1, 0, 0) \
     returning 1",
);
const COUNT: Statement = lite("count", "select count(*) from sessions");
// What SQLite does by itself when the disk is full: the savepoint is gone too.
const LOSE: Statement = lite("lose", "ROLLBACK");

async fn open(folder: &TempDir) -> Result<Db> {
    Db::open(Schema::Data, &Location::Sqlite(folder.path().join("data.db")), 2).await
}

/// Inserts a row, then loses the transaction when `loses`.
async fn insert(db: &Db, id: u8, loses: bool) -> Result<()> {
    db.write("test", move |tx| {
        Box::pin(async move {
            tx.execute_one(&INSERT, (vec![id],)).await?;
            if loses {
                tx.execute(&LOSE, ()).await?;
            }
            Ok(())
        })
    })
    .await
}

/// Inserts a row by a statement that runs alone; then its piece fails when `fails`.
async fn insert_alone(db: &Db, id: u8, fails: bool) -> Result<()> {
    db.write("test", move |tx| {
        Box::pin(async move {
            tx.alone::<(i64,)>(&ALONE, (vec![id],)).await?;
            if fails { Err(StoreError::Stale) } else { Ok(()) }
        })
    })
    .await
}

async fn count(db: &Db) -> Result<i64> {
    let (rows,): (i64,) = db.conn().await?.one(&COUNT, ()).await?;
    Ok(rows)
}

#[tokio::test]
async fn what_ran_in_no_savepoint_goes_with_its_piece_alone() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await.unwrap();
    let results = join_all((0..10).map(|id| insert_alone(&db, id, id == 4))).await;
    for (id, result) in results.into_iter().enumerate() {
        assert_eq!(matches!(result, Err(StoreError::Stale)), id == 4, "{id}: {result:?}");
        assert_eq!(result.is_err(), id == 4, "{id}: {result:?}");
    }
    assert_eq!(count(&db).await.unwrap(), 9);
    db.close().await;
}

#[tokio::test]
async fn only_the_piece_that_loses_the_transaction_fails() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await.unwrap();
    // Queued at once: they share a transaction until the fifth one loses it.
    let results = join_all((0..10).map(|id| insert(&db, id, id == 4))).await;
    for (id, result) in results.into_iter().enumerate() {
        let lost = matches!(result, Err(StoreError::Unavailable { .. }));
        assert_eq!((lost, result.is_err()), (id == 4, id == 4), "{id}: {result:?}");
    }
    assert_eq!(count(&db).await.unwrap(), 9);
    insert(&db, 10, false).await.unwrap();
    db.close().await;
    assert_eq!(count(&open(&folder).await.unwrap()).await.unwrap(), 10);
}

#[tokio::test]
async fn a_transaction_over_the_time_bound_is_undone_and_the_next_one_runs() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await.unwrap();
    let endless: Result<()> = db
        .write("test", |tx| {
            Box::pin(async move {
                tx.execute_one(&INSERT, (vec![1],)).await?;
                std::future::pending().await
            })
        })
        .await;
    assert!(matches!(endless, Err(StoreError::Unavailable { .. })), "{endless:?}");
    insert(&db, 2, false).await.unwrap();
    assert_eq!(count(&db).await.unwrap(), 1);
}
