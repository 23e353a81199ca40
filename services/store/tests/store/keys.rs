//! Keys that change beside those who write under them.

use oubli_domain::{ClaimId, SubjectId};
use oubli_store::keys::app_keys::{self, WrappedAppKey};
use oubli_store::keys::subject_keys::{self, WrappedDataKey};
use oubli_store::keys::{key_sets, work};
use oubli_store::{Db, StoreError};
use uuid::Uuid;

use crate::common::{NOON, app, both_engines, write};

fn data_key(epoch: i64) -> WrappedDataKey {
    WrappedDataKey {
        subject: SubjectId::fresh(NOON),
        claim: ClaimId::fresh(NOON),
        live: true,
        key_id: Uuid::from_u128(7),
        key_version: 1,
        epoch,
        wrapped: vec![1; 60],
        commitment: vec![2; 32],
    }
}

/// Creates a person under an epoch, from keys that were loaded at a revision.
async fn create(db: &Db, epoch: i64, revision: i64) -> anyhow::Result<Result<(), StoreError>> {
    let (shop, key) = (app("shop")?, data_key(epoch));
    Ok(write!(db, [shop, key], |tx| {
        let held = key_sets::hold(tx, &shop, revision).await?;
        subject_keys::insert(tx, &held, &key, NOON).await
    }))
}

async fn new_epoch(db: &Db, epoch: i64, revision: i64) -> anyhow::Result<Result<(), StoreError>> {
    let shop = app("shop")?;
    let row = WrappedAppKey { epoch, root_version: 1, wrapped: vec![3; 60] };
    Ok(write!(db, [shop, row], |tx| {
        let held = match revision {
            0 => key_sets::create(tx, &shop).await?.ok_or(StoreError::Stale)?,
            _ => key_sets::change(tx, &shop, revision).await?,
        };
        let root = key_sets::hold_root(tx, 1).await?;
        app_keys::insert(tx, &held, &root, &row, NOON).await
    }))
}

both_engines! {
    async fn nobody_writes_under_keys_that_have_changed(stores: Stores) {
        let (keys, shop) = (stores.keys().await?, app("shop")?);
        new_epoch(&keys, 1, 0).await??;
        create(&keys, 1, 1).await??;
        new_epoch(&keys, 2, 1).await??;
        assert!(matches!(create(&keys, 1, 1).await?, Err(StoreError::Stale)));
        assert!(matches!(new_epoch(&keys, 3, 1).await?, Err(StoreError::Stale)));
        create(&keys, 2, 2).await??;
        let mut conn = keys.conn().await?;
        assert_eq!(subject_keys::counts(&mut conn, &shop).await?, [(1, 1), (2, 1)]);
    }

    /// However writers and the change of keys fall together, what is written under the old epoch
    /// was committed before the new one began.
    async fn a_change_of_keys_waits_for_writers_and_stops_later_ones(stores: Stores) {
        let (keys, shop) = (stores.keys().await?, app("shop")?);
        new_epoch(&keys, 1, 0).await??;
        let writers = futures_util::future::join_all((0..40).map(|_| create(&keys, 1, 1)));
        let (changed, written) = futures_util::future::join(new_epoch(&keys, 2, 1), writers).await;
        changed??;
        let mut kept = 0;
        for result in written {
            match result? {
                Ok(()) => kept += 1,
                Err(StoreError::Stale) => {}
                Err(other) => return Err(other.into()),
            }
        }
        let counts = subject_keys::counts(&mut keys.conn().await?, &shop).await?;
        assert_eq!(counts.iter().map(|(_, keys)| keys).sum::<i64>(), kept);
        assert!(matches!(create(&keys, 1, 1).await?, Err(StoreError::Stale)));
    }

    async fn a_rewrap_meets_only_the_row_that_was_read(stores: Stores) {
        let (keys, shop) = (stores.keys().await?, app("shop")?);
        new_epoch(&keys, 1, 0).await??;
        create(&keys, 1, 1).await??;
        new_epoch(&keys, 2, 1).await??;
        let mut conn = keys.conn().await?;
        let row = subject_keys::under(&mut conn, &shop, 1, None, 10).await?.remove(0);
        drop(conn);
        for expected in [true, false] {
            let rewrapped = write!(keys, [shop, row], |tx| {
                let held = key_sets::hold(tx, &shop, 2).await?;
                subject_keys::rewrap(tx, &held, &row, 2, &[9; 60]).await
            })?;
            assert_eq!(rewrapped, expected);
        }
        let emptied = write!(keys, [shop], |tx| {
            app_keys::set_emptied(tx, &shop, 1, NOON).await?;
            app_keys::set_emptied(tx, &shop, 2, NOON).await
        })?;
        assert!(!emptied, "an epoch that something stands under");
        let epochs = app_keys::epochs(&mut keys.conn().await?).await?;
        assert_eq!(epochs.iter().map(|e| e.emptied_at).collect::<Vec<_>>(), [Some(NOON.0), None]);
        let in_use = write!(keys, [shop, epochs], |tx| {
            let held = key_sets::change(tx, &shop, 2).await?;
            app_keys::retire(tx, &held, &epochs[1], NOON).await
        });
        assert!(matches!(in_use, Err(StoreError::RowCount { .. })));
    }

    async fn nothing_is_wrapped_below_the_floor(stores: Stores) {
        let keys = stores.keys().await?;
        write!(keys, [], |tx| key_sets::raise_root_floor(tx, 2).await)?;
        let below = write!(keys, [], |tx| key_sets::hold_root(tx, 1).await.map(drop));
        assert!(matches!(below, Err(StoreError::Stale)));
        write!(keys, [], |tx| key_sets::hold_root(tx, 2).await.map(drop))?;
    }

    async fn work_belongs_to_one_and_interrupted_work_goes_on(stores: Stores) {
        let keys = stores.keys().await?;
        let take = async |kind: &'static str, token: u128, seconds: i64| {
            let (token, now) = (Uuid::from_u128(token), NOON.plus_seconds(seconds));
            let (until, furthest) = (now.plus_seconds(10), now.plus_seconds(40));
            write!(keys, [], |tx| work::take(tx, kind, token, now, until, furthest).await)
        };
        assert!(take("rotate", 1, 0).await?);
        write!(keys, [], |tx| work::set_root_version(tx, Uuid::from_u128(1), 2).await)?;
        assert!(!take("rotate", 2, 9).await?, "leased");
        assert!(!take("reindex", 2, 10).await?, "another kind was interrupted");
        assert!(!take("rotate", 2, -30).await?, "leased by a clock that is ahead");
        assert!(take("rotate", 2, -31).await?, "leased before the clock stepped back");
        assert!(take("rotate", 2, 10).await?);
        let found = work::get(&mut keys.conn().await?).await?;
        let kept = found.map(|work| (work.started_at, work.root_version));
        assert_eq!(kept, Some((NOON.0, Some(2))), "it keeps its beginning");
        let renew = async |token: u128| {
            write!(keys, [], |tx| {
                work::renew(tx, Uuid::from_u128(token), NOON.plus_seconds(30), 5).await
            })
        };
        assert!(matches!(renew(1).await, Err(StoreError::Stale)), "taken over");
        renew(2).await?;
        let now = NOON.plus_seconds(12);
        write!(keys, [now], |tx| work::end(tx, Uuid::from_u128(2), now, Some(now)).await)?;
        assert!(take("reindex", 3, 12).await?);
        let found = work::get(&mut keys.conn().await?).await?;
        let new = found.map(|work| (work.started_at, work.root_version, work.rotated_at));
        assert_eq!(new, Some((now.0, None, Some(now.0))));
    }
}
