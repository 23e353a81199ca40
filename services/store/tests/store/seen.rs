//! What one statement sees is what its parts say, and a put in one statement is a put in steps.

use anyhow::Context;
use futures_util::future::join_all;
use oubli_domain::consent::{Action, ConsentEvent, Latest};
use oubli_domain::record::StoredField;
use oubli_domain::request::SubjectState;
use oubli_domain::{AppId, AppState, Day, EventId, Name, RecordId, SubjectId, Time};
use oubli_store::events::{NewEvent, Payload};
use oubli_store::record_puts::{Put, put_at_once};
use oubli_store::record_versions::{self, Version};
use oubli_store::records::{self, RecordKey, StoredRecord};
use oubli_store::{Db, Result, StoreError, apps, consents, events, purpose_ends};
use oubli_store::{seen, subjects};

use crate::common::{NOON, app, both_engines, insert_app, write};

fn name(text: &str) -> anyhow::Result<Name> {
    Name::new(text).ok().context("not a name")
}

/// A record at a version, with the line of its history and its event.
#[derive(Clone)]
struct Change {
    record: StoredRecord,
    version: Version,
    event: NewEvent,
}

fn change(app: &AppId, key: &RecordKey, number: i64) -> anyhow::Result<Change> {
    let at = Time(NOON.0 + number);
    let field = StoredField { name: name("colour")?, empty: false, ciphertext: vec![7; 40] };
    let payload =
        Payload { subject: key.subject, salt: [1; 16], json: "{}".into(), of_read: false };
    Ok(Change {
        record: StoredRecord {
            key: key.clone(),
            version: number,
            created_at: NOON,
            updated_at: at,
            clock_start: Some(Day(7)),
            fields: vec![field],
        },
        version: Version {
            version: number,
            at,
            actor: "client_1".to_owned(),
            change: if number == 1 {
                record_versions::Change::Created
            } else {
                record_versions::Change::Updated
            },
            changed: vec![name("colour")?, name("size")?],
        },
        event: NewEvent {
            event: EventId::fresh(at),
            app: app.clone(),
            at,
            kind: "record.put",
            actor: "client_1".to_owned(),
            subject_ref: Some([5; 32]),
            leaf: "{}".to_owned(),
            payload: Some(payload),
        },
    })
}

/// Puts it as the service does: at once where that is possible, else by steps; whether it was at once.
async fn put(db: &Db, app: &AppId, change: &Change, map: i64, contact: Time) -> Result<bool> {
    let (app, change) = (app.clone(), change.clone());
    db.write("test", move |tx| {
        let (app, change) = (app.clone(), change.clone());
        Box::pin(async move {
            let Change { record, version, event } = &change;
            let replaces = record.version > 1;
            let put = Put { record, replaces, map, last_contact: contact, version, event };
            put_at_once(tx, &app, put).await
        })
    })
    .await
}

async fn by_steps(db: &Db, app: &AppId, change: &Change) -> Result<()> {
    write!(db, [app, change], |tx| {
        let Change { record, version, event } = &change;
        subjects::lock(tx, &app, record.key.subject).await?;
        match record.version {
            1 => records::insert(tx, &app, record, 0).await?,
            _ => records::update(tx, &app, record, 0).await?,
        }
        record_versions::insert_version(tx, &app, &record.key, version).await?;
        events::insert(tx, event).await
    })
}

async fn shop(db: &Db) -> anyhow::Result<(AppId, SubjectId, RecordKey)> {
    let (shop, subject) = (app("shop")?, SubjectId::fresh(NOON));
    write!(db, [shop], |tx| insert_app(tx, shop).await)?;
    write!(db, [shop], |tx| subjects::insert(tx, &shop, subject, NOON).await)?;
    let record = RecordId::new("one").ok().context("not a record id")?;
    Ok((shop, subject, RecordKey { subject, category: name("profile")?, record }))
}

both_engines! {
    async fn nothing_is_seen_without_the_app(stores: Stores) {
        let (_, subject, key) = shop(&stores.data).await?;
        let (other, purpose) = (app("other")?, name("news")?);
        let mut conn = stores.data.conn().await?;
        assert!(seen::of_purpose(&mut conn, &other, subject, &purpose).await?.is_none());
        assert!(seen::of_read(&mut conn, &other, &key, &purpose).await?.is_none());
        assert!(seen::of_write(&mut conn, &other, &key).await?.is_none());
    }

    async fn what_is_not_there_is_seen_as_none(stores: Stores) {
        let (shop, subject, key) = shop(&stores.data).await?;
        let stranger = RecordKey { subject: SubjectId::fresh(NOON), ..key.clone() };
        let mut conn = stores.data.conn().await?;
        let news = name("news")?;
        let read = seen::of_read(&mut conn, &shop, &key, &news).await?.context("the app")?;
        assert_eq!(read.purpose.subject.map(|s| s.subject), Some(subject));
        assert_eq!(read.purpose.latest, Latest::default());
        assert!(!read.purpose.ended && read.record.is_none());
        let write = seen::of_write(&mut conn, &shop, &stranger).await?.context("the app")?;
        assert!(write.subject.is_none() && write.record.is_none() && write.last_version == 0);
        let state = write.app.state;
        assert_eq!((write.app.revision, state), (0, AppState::Active));
    }

    async fn what_is_there_is_seen_as_its_own_statements_say(stores: Stores) {
        let (shop, subject, key) = shop(&stores.data).await?;
        let (news, change) = (name("news")?, change(&shop, &key, 1)?);
        by_steps(&stores.data, &shop, &change).await?;
        let event = ConsentEvent {
            id: EventId::fresh(NOON), purpose: news.clone(), action: Action::Refused, shown: None,
            occurred_at: NOON, recorded_at: NOON, seq: 1,
        };
        write!(stores.data, [shop, event], |tx| {
            consents::set_latest(tx, &shop, subject, &event).await?;
            purpose_ends::insert(tx, &shop, subject, &event.purpose, NOON, "client_1").await?;
            subjects::set_state(tx, &shop, subject, SubjectState::Restricted).await?;
            apps::touch(tx, &shop).await
        })?;
        let mut conn = stores.data.conn().await?;
        let read = seen::of_read(&mut conn, &shop, &key, &news).await?.context("the app")?;
        let purpose = &read.purpose;
        assert_eq!(purpose.subject, subjects::get(&mut conn, &shop, subject).await?);
        assert_eq!(purpose.latest, consents::latest(&mut conn, &shop, subject, &news).await?);
        assert_eq!((purpose.ended, purpose.app.revision), (true, 1));
        assert_eq!(read.record, records::get(&mut conn, &shop, &key).await?);
        assert_eq!(read.record.as_ref(), Some(&change.record));
        let write = seen::of_write(&mut conn, &shop, &key).await?.context("the app")?;
        assert_eq!((write.record, write.last_version), (read.record, 1));
        let check = seen::of_purpose(&mut conn, &shop, subject, &news).await?.context("the app")?;
        assert_eq!((check.subject, check.latest), (purpose.subject, purpose.latest.clone()));
    }

    async fn a_deleted_record_leaves_its_last_version(stores: Stores) {
        let (shop, _, key) = shop(&stores.data).await?;
        by_steps(&stores.data, &shop, &change(&shop, &key, 1)?).await?;
        write!(stores.data, [shop, key], |tx| records::delete(tx, &shop, &key, 1).await)?;
        let write = seen::of_write(&mut stores.data.conn().await?, &shop, &key).await?;
        let write = write.context("the app")?;
        assert!(write.record.is_none());
        assert_eq!(write.last_version, 1);
    }

    async fn a_put_at_once_leaves_what_the_steps_leave(stores: Stores) {
        let (shop, _, key) = shop(&stores.data).await?;
        let other = RecordKey { record: RecordId::new("two").ok().context("an id")?, ..key.clone() };
        for number in [1, 2] {
            assert!(put(&stores.data, &shop, &change(&shop, &key, number)?, 0, NOON).await?);
            by_steps(&stores.data, &shop, &change(&shop, &other, number)?).await?;
            let (at_once, steps) =
                (left(&stores.data, &shop, &key).await?, left(&stores.data, &shop, &other).await?);
            assert_eq!(at_once, steps.replace("two", "one"));
        }
    }

    async fn a_put_at_once_does_nothing_that_the_steps_would_refuse(stores: Stores) {
        let (shop, subject, key) = shop(&stores.data).await?;
        let db = &stores.data;
        let (first, second, third) =
            (change(&shop, &key, 1)?, change(&shop, &key, 2)?, change(&shop, &key, 3)?);
        // Another data map; another last contact; a version that is not there.
        assert!(!put(db, &shop, &first, 1, NOON).await?);
        assert!(!put(db, &shop, &first, 0, Time(NOON.0 + 1)).await?);
        assert!(!put(db, &shop, &second, 0, NOON).await?);
        assert!(put(db, &shop, &first, 0, NOON).await?);
        let again = put(db, &shop, &change(&shop, &key, 1)?, 0, NOON).await;
        assert!(matches!(again, Ok(false) | Err(StoreError::Stale)), "{again:?}");
        assert!(!put(db, &shop, &third, 0, NOON).await?);
        let before = left(db, &shop, &key).await?;
        for state in [SubjectState::Restricted, SubjectState::Erasing] {
            write!(db, [shop], |tx| subjects::set_state(tx, &shop, subject, state).await)?;
            assert!(!put(db, &shop, &second, 0, NOON).await?);
        }
        write!(db, [shop], |tx| subjects::set_state(tx, &shop, subject, SubjectState::Active).await)?;
        assert_eq!(left(db, &shop, &key).await?, before);
    }

    /// Its event is there already: what it wrote before it found that out goes, and others stay.
    async fn a_put_at_once_that_fails_in_the_middle_leaves_nothing(stores: Stores) {
        let (shop, _, key) = shop(&stores.data).await?;
        let db = &stores.data;
        let numbered = |n: usize| -> anyhow::Result<RecordKey> {
            let record = RecordId::new(format!("r{n}")).ok().context("an id")?;
            Ok(RecordKey { record, ..key.clone() })
        };
        let keys = (0..6).map(numbered).collect::<anyhow::Result<Vec<_>>>()?;
        let changes = keys.iter().map(|key| change(&shop, key, 1));
        let mut changes = changes.collect::<anyhow::Result<Vec<_>>>()?;
        assert!(put(db, &shop, &changes[0], 0, NOON).await?);
        changes[3].event.event = changes[0].event.event;
        // At once, so that on SQLite they share a transaction.
        let done = join_all(changes[1..].iter().map(|change| put(db, &shop, change, 0, NOON))).await;
        let well: Vec<_> = done.iter().map(|done| done.as_ref().ok().copied()).collect();
        assert_eq!(well, [Some(true), Some(true), None, Some(true), Some(true)], "{done:?}");
        let mut conn = db.conn().await?;
        for (key, there) in keys.iter().zip([true, true, true, false, true, true]) {
            assert_eq!(records::get(&mut conn, &shop, key).await?.is_some(), there);
            let versions = record_versions::versions(&mut conn, &shop, key, 0, 9).await?;
            assert_eq!(versions.len(), usize::from(there));
        }
    }
}

/// All that a put leaves: record, history, events with payloads.
async fn left(db: &Db, app: &AppId, key: &RecordKey) -> anyhow::Result<String> {
    let mut conn = db.conn().await?;
    let record = records::get(&mut conn, app, key).await?;
    let versions = record_versions::versions(&mut conn, app, key, 0, 9).await?;
    let search = events::Search::default();
    let found = events::list(&mut conn, app, &search, None, 99).await?;
    let ids: Vec<EventId> = found.into_iter().map(|(event, _)| event).collect();
    let payloads = events::payloads(&mut conn, app, &ids).await?;
    Ok(format!("{record:?} {versions:?} {} {}", ids.len(), payloads.len()))
}

/// The lock of the subject decides: a put that waits for it sees what the holder did.
#[tokio::test(flavor = "multi_thread")]
async fn a_put_at_once_that_waits_for_an_erasure_does_nothing() -> anyhow::Result<()> {
    let stores = crate::common::Stores::postgres().await?;
    let (shop, subject, key) = shop(&stores.data).await?;
    let db = &stores.data;
    let (locked, gate) = (
        std::sync::Arc::new(tokio::sync::Notify::new()),
        std::sync::Arc::new(tokio::sync::Notify::new()),
    );
    let erasure = async {
        write!(db, [shop, locked, gate], |tx| {
            subjects::lock_alone(tx, &shop, subject).await?;
            subjects::set_state(tx, &shop, subject, SubjectState::Erasing).await?;
            locked.notify_one();
            gate.notified().await;
            Ok(())
        })
    };
    let change = change(&shop, &key, 1)?;
    let late = async {
        locked.notified().await;
        let mut put = Box::pin(put(db, &shop, &change, 0, NOON));
        tokio::select! {
            biased;
            done = &mut put => anyhow::bail!("it did not wait: {done:?}"),
            waits = crate::subjects::somebody_waits_for_a_lock(&stores) => waits?,
        }
        gate.notify_one();
        Ok(put.await?)
    };
    let (erased, done) = tokio::join!(erasure, late);
    erased?;
    assert!(!done?);
    Ok(())
}
