//! Write transactions and snapshots.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context;
use futures_util::future::{join_all, pending, try_join_all};
use oubli_domain::{AppId, Code, Refusal};
use oubli_store::{Conn, Db, Location, Result, Schema, StoreError, Tx, apps};
use sqlx::Connection;
use tokio::sync::Notify;

use crate::common::{Stores, app, both_engines, insert_app, write};

fn refusal<T>() -> Result<T> {
    Err(Refusal::new(Code::Held).into())
}

async fn names(conn: &mut Conn) -> Result<Vec<String>> {
    let listed = apps::list(conn, None, 10_000).await?;
    Ok(listed.into_iter().map(|app| app.app.as_str().to_owned()).collect())
}

async fn names_in(db: &Db) -> Result<Vec<String>> {
    names(&mut db.conn().await?).await
}

fn many(count: usize) -> anyhow::Result<Vec<AppId>> {
    (0..count).map(|n| app(&format!("a{n:05}"))).collect()
}

async fn register(db: &Db, app: &AppId) -> Result<()> {
    write!(db, [app], |tx| insert_app(tx, app).await)
}

async fn increment(tx: &mut Tx, app: &AppId) -> Result<()> {
    let version = apps::get(tx, app).await?.map_or(0, |app| app.data_map_version);
    apps::set_data_map_version(tx, app, version, version + 1).await
}

/// Begins a transaction of two inserts, goes away between them, and gives what is left of it.
async fn abandoned(stores: &Stores, fails: bool) -> anyhow::Result<Vec<String>> {
    let (begun, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (one, two) = (app("one")?, app("two")?);
    let mut call = Box::pin(async {
        write!(stores.data, [one, two, begun, gate], |tx| {
            insert_app(tx, one).await?;
            begun.notify_one();
            gate.notified().await;
            insert_app(tx, two).await?;
            if fails { refusal() } else { Ok(()) }
        })
    });
    tokio::select! {
        result = &mut call => anyhow::bail!("answered before its end: {result:?}"),
        () = begun.notified() => {}
    }
    drop(call);
    gate.notify_one();
    // Closing waits for what is open.
    stores.data.close().await;
    Ok(names_in(&stores.data_again().await?).await?)
}

both_engines! {
    async fn an_error_keeps_nothing_and_is_given_as_it_is(stores: Stores) {
        let shop = app("shop")?;
        let result: Result<()> = write!(stores.data, [shop], |tx| {
            insert_app(tx, shop).await?;
            refusal()
        });
        assert!(matches!(&result, Err(StoreError::Refused(r)) if r.code == Code::Held));
        assert_eq!(names_in(&stores.data).await?, [""; 0]);
    }

    async fn a_duplicate_undoes_its_whole_transaction(stores: Stores) {
        let (shop, blog) = (app("shop")?, app("blog")?);
        register(&stores.data, &shop).await?;
        let result = write!(stores.data, [shop, blog], |tx| {
            insert_app(tx, blog).await?;
            insert_app(tx, shop).await
        });
        assert!(matches!(result, Err(StoreError::Duplicate { .. })), "{result:?}");
        assert_eq!(names_in(&stores.data).await?, ["shop"]);
    }

    /// PostgreSQL would answer such a COMMIT with success and keep nothing.
    async fn a_transaction_that_ignores_a_failure_is_refused(stores: Stores) {
        let (shop, blog) = (app("shop")?, app("blog")?);
        register(&stores.data, &shop).await?;
        let result = write!(stores.data, [shop, blog], |tx| {
            insert_app(tx, blog).await?;
            drop(insert_app(tx, shop).await);
            Ok(())
        });
        assert!(matches!(result, Err(StoreError::Ignored { .. })), "{result:?}");
        assert_eq!(names_in(&stores.data).await?, ["shop"]);
        register(&stores.data, &blog).await?;
        assert_eq!(names_in(&stores.data).await?, ["blog", "shop"]);
    }

    async fn a_transaction_reads_what_it_wrote(stores: Stores) {
        let shop = app("shop")?;
        let seen = write!(stores.data, [shop], |tx| {
            insert_app(tx, shop).await?;
            names(tx).await
        })?;
        assert_eq!(seen, ["shop"]);
    }

    async fn acknowledged_writes_are_there_for_others_at_once(stores: Stores) {
        let apps = many(300)?;
        try_join_all(apps.iter().map(|app| register(&stores.data, app))).await?;
        // Not closed first: what was acknowledged needs no orderly end.
        let other = stores.data_again().await?;
        let expected: Vec<_> = apps.iter().map(|app| app.as_str().to_owned()).collect();
        assert_eq!(names_in(&other).await?, expected);
        other.close().await;
    }

    async fn a_failing_piece_harms_no_other(stores: Stores) {
        let apps = many(60)?;
        let db = &stores.data;
        let results = join_all(apps.iter().enumerate().map(|(n, app)| async move {
            write!(db, [app], |tx| {
                insert_app(tx, app).await?;
                if n % 3 == 0 { refusal() } else { Ok(()) }
            })
        }))
        .await;
        let kept: Vec<_> = results.iter().map(std::result::Result::is_ok).collect();
        assert_eq!(kept, (0..60).map(|n| n % 3 != 0).collect::<Vec<_>>());
        let expected = apps.iter().zip(kept).filter(|(_, kept)| *kept);
        let expected: Vec<_> = expected.map(|(app, _)| app.as_str().to_owned()).collect();
        assert_eq!(names_in(&stores.data).await?, expected);
    }

    async fn a_panic_is_an_error_and_the_store_goes_on(stores: Stores) {
        let (shop, blog) = (app("shop")?, app("blog")?);
        let result: Result<()> = write!(stores.data, [shop], |tx| {
            insert_app(tx, shop).await?;
            panic!("a fault in a transaction")
        });
        assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
        register(&stores.data, &blog).await?;
        assert_eq!(names_in(&stores.data).await?, ["blog"]);
    }

    async fn a_caller_that_goes_away_leaves_a_whole_transaction(stores: Stores) {
        assert_eq!(abandoned(&stores, false).await?, ["one", "two"]);
    }

    async fn a_caller_that_goes_away_leaves_no_part_of_a_failing_one(stores: Stores) {
        assert_eq!(abandoned(&stores, true).await?, [""; 0]);
    }

    async fn transactions_on_one_row_lose_no_update(stores: Stores) {
        let shop = app("shop")?;
        register(&stores.data, &shop).await?;
        let worker = || async {
            for _ in 0..40 {
                write!(stores.data, [shop], |tx| increment(tx, &shop).await)?;
            }
            Ok::<_, StoreError>(())
        };
        tokio::try_join!(worker(), worker())?;
        let stored = apps::get(&mut stores.data.conn().await?, &shop).await?.context("the app")?;
        assert_eq!(stored.data_map_version, 80);
    }

    async fn transactions_are_measured_by_name(stores: Stores) {
        register(&stores.data, &app("one")?).await?;
        let fails: Result<()> = write!(stores.data, [], |_tx| refusal());
        assert!(fails.is_err());
        let measured = stores.data.measures();
        let measure = measured.get("test").context("the name")?;
        assert_eq!((measured.len(), measure.count, measure.retries), (1, 2, 0));
        assert!(0 < measure.max_micros && measure.max_micros <= measure.total_micros);
    }

    async fn a_snapshot_sees_one_moment(stores: Stores) {
        let (shop, blog) = (app("shop")?, app("blog")?);
        register(&stores.data, &shop).await?;
        let mut snapshot = stores.data.snapshot().await?;
        assert_eq!(names(&mut snapshot).await?, ["shop"]);
        register(&stores.data, &blog).await?;
        assert_eq!(names(&mut snapshot).await?, ["shop"]);
        drop(snapshot);
        assert_eq!(names(&mut stores.data.snapshot().await?).await?, ["blog", "shop"]);
    }

    async fn while_all_connections_are_taken_calls_are_refused_in_time(stores: Stores) {
        let at = stores.place.location(Schema::Data).await?;
        let db = Db::open(Schema::Data, &at, 2).await?;
        let taken = [db.conn().await?, db.conn().await?];
        let (conn, snapshot) = tokio::join!(db.conn(), db.snapshot());
        for refused in [conn.err(), snapshot.err()] {
            assert!(matches!(refused, Some(StoreError::Unavailable { .. })), "{refused:?}");
        }
        drop(taken);
        assert_eq!(names_in(&db).await?, Vec::<String>::new());
        db.close().await;
    }

    async fn a_closed_store_refuses_work(stores: Stores) {
        stores.data.close().await;
        let result = register(&stores.data, &app("shop")?).await;
        assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
        let conn = stores.data.conn().await;
        assert!(matches!(conn, Err(StoreError::Unavailable { .. })), "{conn:?}");
    }

    async fn the_two_databases_are_apart(stores: Stores) {
        let keys = stores.keys().await?;
        assert_eq!((stores.data.schema(), keys.schema()), (Schema::Data, Schema::Keys));
        let apps = apps::list(&mut keys.conn().await?, None, 1).await;
        assert!(matches!(apps, Err(StoreError::Database { .. })), "{apps:?}");
    }

    async fn emptying_the_log_succeeds_when_nobody_reads(stores: Stores) {
        register(&stores.data, &app("shop")?).await?;
        stores.data.truncate_log().await?;
        assert_eq!(names_in(&stores.data).await?, ["shop"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn emptying_the_log_waits_for_readers() -> anyhow::Result<()> {
    let stores = Stores::sqlite().await?;
    let mut snapshot = stores.data.snapshot().await?;
    names(&mut snapshot).await?;
    register(&stores.data, &app("shop")?).await?;
    let result = stores.data.truncate_log().await;
    assert!(matches!(result, Err(StoreError::Contention)), "{result:?}");
    drop(snapshot);
    register(&stores.data, &app("blog")?).await?;
    stores.data.truncate_log().await?;
    let Location::Sqlite(file) = stores.place.location(Schema::Data).await? else {
        anyhow::bail!("not SQLite")
    };
    let log = file.with_extension("db-wal");
    assert_eq!(std::fs::metadata(log)?.len(), 0);
    Ok(())
}

/// SQLite has a queue of its own; PostgreSQL callers wait for a connection instead.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_told_and_what_was_taken_in_is_done() -> anyhow::Result<()> {
    let stores = Stores::sqlite().await?;
    let (begun, gate, apps) = (Arc::new(Notify::new()), Arc::new(Notify::new()), many(5_000)?);
    let holder = async {
        write!(stores.data, [begun, gate], |_tx| {
            begun.notify_one();
            gate.notified().await;
            Ok(())
        })
    };
    let crowd = async {
        begun.notified().await;
        let mut calls = Box::pin(join_all(apps.iter().map(|app| register(&stores.data, app))));
        tokio::select! {
            // All of them are queued or refused before the gate opens.
            biased;
            results = &mut calls => return results,
            () = async { gate.notify_one(); pending().await } => {}
        }
        calls.await
    };
    let (held, results) = tokio::join!(holder, crowd);
    held?;
    let done: BTreeSet<String> = apps
        .iter()
        .zip(&results)
        .filter(|(_, result)| result.is_ok())
        .map(|(app, _)| app.as_str().to_owned())
        .collect();
    assert!(done.len() >= 4_000 && done.len() < apps.len(), "{}", done.len());
    assert_eq!(names_in(&stores.data).await?, done.into_iter().collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drops_its_connections_is_met_again() -> anyhow::Result<()> {
    let stores = Stores::postgres().await?;
    register(&stores.data, &app("shop")?).await?;
    let Location::Postgres(url) = stores.place.location(Schema::Data).await? else {
        anyhow::bail!("not PostgreSQL")
    };
    let mut other = sqlx::PgConnection::connect(&url).await?;
    let ended = sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity \
         where datname = current_database() and application_name = 'oubli'",
    )
    .execute(&mut other)
    .await?;
    assert!(ended.rows_affected() > 0);
    // A connection that was used this second is believed to live; when it does not, it is the last.
    let first = register(&stores.data, &app("blog")?).await;
    assert!(matches!(first, Ok(()) | Err(StoreError::Unavailable { .. })), "{first:?}");
    if first.is_err() {
        register(&stores.data, &app("blog")?).await?;
    }
    assert_eq!(names_in(&stores.data).await?, ["blog", "shop"]);
    Ok(())
}
