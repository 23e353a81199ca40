//! A lent connection comes back as it went, whatever was done with it.

use std::task::Poll;

use futures_util::poll;
use oubli_store::{Db, Result, Schema, StoreError, apps};

use crate::common::{Stores, app, both_engines, insert_app, write};

/// The database through one connection alone, which everybody must share.
async fn narrow(stores: &Stores) -> anyhow::Result<Db> {
    Ok(Db::open(Schema::Data, &stores.place.location(Schema::Data).await?, 1).await?)
}

async fn names(db: &Db) -> Result<Vec<String>> {
    let apps = apps::list(&mut db.conn().await?, None, 9).await?;
    Ok(apps.into_iter().map(|app| app.app.as_str().to_owned()).collect())
}

/// Uses a connection on a runtime of a thread's own, which ends.
fn elsewhere(db: &Db) -> anyhow::Result<Vec<String>> {
    let db = db.clone();
    let used = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(names(&db)).map_err(anyhow::Error::from)
    });
    used.join().map_err(|_| anyhow::anyhow!("the thread panicked"))?
}

both_engines! {
    async fn connections_that_came_home_outlive_who_opened_them(stores: Stores) {
        let at = stores.place.location(Schema::Data).await?;
        let db = Db::open(Schema::Data, &at, 3).await?;
        // Opening uses two at most: the third is opened elsewhere, now and after they came home.
        for comes_home in [true, false] {
            let held = (db.conn().await?, db.conn().await?);
            elsewhere(&db)?;
            if comes_home {
                drop(held);
                db.come_home().await;
            } else {
                assert!(names(&db).await?.is_empty());
            }
        }
        db.close().await;
    }

    async fn a_snapshot_that_was_dropped_is_over(stores: Stores) {
        let (db, shop) = (narrow(&stores).await?, app("shop")?);
        let mut snapshot = db.snapshot().await?;
        assert!(apps::list(&mut snapshot, None, 9).await?.is_empty());
        write!(stores.data, [shop], |tx| insert_app(tx, shop).await)?;
        assert!(apps::list(&mut snapshot, None, 9).await?.is_empty(), "it sees its own moment");
        drop(snapshot);
        assert_eq!(names(&db).await?, ["shop"]);
        db.close().await;
    }

    async fn reads_that_were_left_in_the_middle_leave_a_connection_that_answers(stores: Stores) {
        let (db, shop) = (narrow(&stores).await?, app("shop")?);
        write!(stores.data, [shop], |tx| insert_app(tx, shop).await)?;
        let mut left = 0;
        for looks in 0..40 {
            let mut read = Box::pin(async {
                let mut snapshot = db.snapshot().await?;
                apps::list(&mut snapshot, None, 9).await
            });
            let mut done = false;
            for _ in 0..looks {
                done = done || poll!(&mut read).is_ready();
                tokio::task::yield_now().await;
            }
            drop(read);
            left += usize::from(!done);
            assert_eq!(names(&db).await?, ["shop"]);
        }
        assert!(left > 0, "some were in the middle");
        db.close().await;
    }

    async fn a_write_after_a_failed_one_finds_no_transaction_open(stores: Stores) {
        let (db, shop) = (narrow(&stores).await?, app("shop")?);
        write!(db, [shop], |tx| insert_app(tx, shop).await)?;
        for _ in 0..3 {
            let again = write!(db, [shop], |tx| insert_app(tx, shop).await);
            assert!(matches!(again, Err(StoreError::Duplicate { .. })), "{again:?}");
            assert_eq!(names(&db).await?, ["shop"]);
        }
        db.close().await;
    }

    async fn closing_waits_for_what_is_lent_and_refuses_who_waits(stores: Stores) {
        let db = narrow(&stores).await?;
        let lent = db.conn().await?;
        let (mut closing, mut waiting) = (Box::pin(db.close()), Box::pin(db.conn()));
        assert_eq!(poll!(&mut closing), Poll::Pending);
        assert!(poll!(&mut waiting).is_pending());
        drop(lent);
        closing.await;
        assert!(matches!(waiting.await, Err(StoreError::Unavailable { .. })));
        assert!(matches!(db.conn().await, Err(StoreError::Unavailable { .. })));
    }
}

/// The runtime that first used a connection may end before others do: an HTTP worker's does.
#[tokio::test(flavor = "multi_thread")]
async fn connections_outlive_the_runtime_that_asked_for_them_first() -> anyhow::Result<()> {
    let stores = Stores::postgres().await?;
    let db = narrow(&stores).await?;
    let of_worker = db.clone();
    let first = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        anyhow::Ok(runtime.block_on(names(&of_worker))?)
    });
    let first = tokio::task::spawn_blocking(move || first.join()).await?;
    assert!(first.map_err(|_| anyhow::anyhow!("it panicked"))??.is_empty());
    assert!(names(&db).await?.is_empty());
    db.close().await;
    Ok(())
}
