//! Subjects, the claims that create them, and the erasure of their rows.

use std::sync::Arc;

use anyhow::Context;
use oubli_domain::identifier::IdentifierType;
use oubli_domain::request::SubjectState;
use oubli_domain::{AppId, ClaimId, Code, IdentifierId, SubjectId};
use oubli_store::claims::{self, Fate};
use oubli_store::erasure::{self, DATA_TABLES, SubjectTable};
use oubli_store::identifiers::{self, SealedIdentifier};
use oubli_store::{Db, Location, Result, Schema, StoreError, Tx, subjects};
use sqlx::Connection;
use tokio::sync::Semaphore;

use crate::common::{NOON, Stores, app, both_engines, insert_app, write};

async fn create(db: &Db, app: &AppId) -> Result<SubjectId> {
    let subject = SubjectId::fresh(NOON);
    write!(db, [app], |tx| subjects::insert(tx, &app, subject, NOON).await)?;
    Ok(subject)
}

async fn add_identifiers(tx: &mut Tx, app: &AppId, subject: SubjectId, count: u64) -> Result<()> {
    subjects::lock(tx, app, subject).await?;
    for _ in 0..count {
        let new = SealedIdentifier {
            identifier: IdentifierId::fresh(NOON),
            kind: IdentifierType::Email,
            sealed: vec![1],
            created_at: NOON,
        };
        identifiers::insert(tx, app, subject, &new).await?;
    }
    Ok(())
}

async fn begin_erasure(db: &Db, app: &AppId, subject: SubjectId) -> Result<()> {
    write!(db, [app], |tx| {
        subjects::lock(tx, &app, subject).await?;
        subjects::set_state(tx, &app, subject, SubjectState::Erasing).await
    })
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> anyhow::Result<Code> {
    match result {
        Err(StoreError::Refused(refusal)) => Ok(refusal.code),
        other => anyhow::bail!("not refused: {other:?}"),
    }
}

/// Asks the server until a transaction of this test is blocked.
pub(crate) async fn somebody_waits_for_a_lock(stores: &Stores) -> anyhow::Result<()> {
    let Location::Postgres(url) = stores.place.location(Schema::Data).await? else {
        anyhow::bail!("not PostgreSQL")
    };
    let mut conn = sqlx::PgConnection::connect(&url).await?;
    let waiting = "select exists (select 1 from pg_stat_activity \
        where datname = current_database() and wait_event_type = 'Lock')";
    while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut conn).await? {}
    Ok(())
}

fn identifiers_table() -> anyhow::Result<&'static SubjectTable> {
    DATA_TABLES.iter().find(|table| table.name == "identifiers").context("no such table")
}

both_engines! {
    async fn a_subject_that_is_being_erased_is_not_written_about(stores: Stores) {
        let shop = app("shop")?;
        let (ada, nobody) = (create(&stores.data, &shop).await?, SubjectId::fresh(NOON));
        write!(stores.data, [shop], |tx| add_identifiers(tx, &shop, ada, 1).await)?;
        begin_erasure(&stores.data, &shop, ada).await?;
        let late = write!(stores.data, [shop], |tx| add_identifiers(tx, &shop, ada, 1).await);
        assert_eq!(code(late)?, Code::SubjectErasing);
        let none = write!(stores.data, [shop], |tx| add_identifiers(tx, &shop, nobody, 1).await);
        assert_eq!(code(none)?, Code::SubjectNotFound);
        let other = app("other")?;
        let none = write!(stores.data, [other], |tx| add_identifiers(tx, &other, ada, 1).await);
        assert_eq!(code(none)?, Code::SubjectNotFound);
    }

    async fn a_claim_is_kept_or_abandoned_and_never_both(stores: Stores) {
        let (shop, ada) = (app("shop")?, SubjectId::fresh(NOON));
        write!(stores.data, [shop], |tx| insert_app(tx, shop).await)?;
        for _ in 0..20 {
            let claim = ClaimId::fresh(NOON);
            let keep = async {
                write!(stores.data, [shop], |tx| claims::keep(tx, &shop, claim, ada, NOON).await)
            };
            let abandon = async {
                write!(stores.data, [shop], |tx| claims::abandon(tx, &shop, claim, NOON).await)
            };
            let (kept, abandoned) = tokio::join!(keep, abandon);
            let fate = claims::fate(&mut stores.data.conn().await?, &shop, claim).await?;
            assert_eq!(abandoned?, fate);
            match kept {
                Ok(()) => assert_eq!(fate, Fate::Kept(ada)),
                Err(StoreError::Duplicate { .. }) => assert_eq!(fate, Fate::Abandoned),
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn rows_of_one_subject_go_in_chunks_and_no_others_do(stores: Stores) {
        let (shop, table) = (app("shop")?, identifiers_table()?);
        let (ada, grace) = (create(&stores.data, &shop).await?, create(&stores.data, &shop).await?);
        for subject in [ada, grace] {
            write!(stores.data, [shop], |tx| add_identifiers(tx, &shop, subject, 510).await)?;
        }
        let mut deleted = Vec::new();
        for _ in 0..3 {
            deleted.push(write!(stores.data, [shop], |tx| {
                erasure::delete_chunk(tx, table, &shop, ada).await
            })?);
        }
        assert_eq!(deleted, [table.most, 510 - table.most, 0]);
        let mut conn = stores.data.conn().await?;
        assert_eq!(erasure::count(&mut conn, table, &shop, ada).await?, 0);
        assert_eq!(erasure::count(&mut conn, table, &shop, grace).await?, 510);
    }
}

/// Only PostgreSQL runs two writes at once. The write reads before the erasure begins and locks
/// after it was acknowledged: its snapshot still shows an active subject.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_began_before_an_erasure_does_not_commit_after_it() -> anyhow::Result<()> {
    let stores = Stores::postgres().await?;
    let (shop, table) = (app("shop")?, identifiers_table()?);
    let ada = create(&stores.data, &shop).await?;
    // Permits are not used up, since a write may run more than once.
    let (has_read, erasing) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let late = async {
        write!(stores.data, [shop, has_read, erasing], |tx| {
            subjects::get(tx, &shop, ada).await?;
            has_read.add_permits(1);
            drop(erasing.acquire().await);
            add_identifiers(tx, &shop, ada, 1).await
        })
    };
    let erase = async {
        drop(has_read.acquire().await);
        let begun = begin_erasure(&stores.data, &shop, ada).await;
        erasing.add_permits(1);
        begun
    };
    let (late, erased) = tokio::join!(late, erase);
    erased?;
    assert_eq!(code(late)?, Code::SubjectErasing);
    let mut conn = stores.data.conn().await?;
    assert_eq!(erasure::count(&mut conn, table, &shop, ada).await?, 0);
    Ok(())
}

/// The other order: the erasure is acknowledged only once the write it met has ended.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_waits_for_a_write_that_holds_the_subject() -> anyhow::Result<()> {
    let stores = Stores::postgres().await?;
    let (shop, table) = (app("shop")?, identifiers_table()?);
    let ada = create(&stores.data, &shop).await?;
    let (locked, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let write = async {
        write!(stores.data, [shop, locked, go_on], |tx| {
            subjects::lock(tx, &shop, ada).await?;
            locked.add_permits(1);
            drop(go_on.acquire().await);
            add_identifiers(tx, &shop, ada, 1).await
        })
    };
    let erase = async {
        drop(locked.acquire().await);
        let mut begun = Box::pin(begin_erasure(&stores.data, &shop, ada));
        tokio::select! {
            result = &mut begun => anyhow::bail!("it did not wait: {result:?}"),
            waits = somebody_waits_for_a_lock(&stores) => waits?,
        }
        go_on.add_permits(1);
        begun.await?;
        let mut conn = stores.data.conn().await?;
        Ok(erasure::count(&mut conn, table, &shop, ada).await?)
    };
    let (written, seen_by_the_erasure) = tokio::join!(write, erase);
    written?;
    assert_eq!(seen_by_the_erasure?, 1);
    Ok(())
}
