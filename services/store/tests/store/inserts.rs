//! Inserts of many rows: whatever their number, all of them or none.

use anyhow::Context;
use oubli_domain::consent::{Action, ConsentEvent, Language, Shown};
use oubli_domain::record::StoredField;
use oubli_domain::{AppId, Day, EventId, Name, RecordId, SubjectId, Time};
use oubli_store::consents::{self, StoredEvent, StoredSignals};
use oubli_store::events::{self, NewEvent, Payload};
use oubli_store::imported_lines::{self, ImportedLine};
use oubli_store::record_versions::{self, Change, Version};
use oubli_store::records::{self, RecordKey, StoredRecord};
use oubli_store::{Db, Result, StoreError, apps, subjects};

use crate::common::{NOON, app, both_engines, new_app, write};

/// Around the lengths that one statement of SQLite takes.
const COUNTS: [usize; 11] = [0, 1, 2, 8, 9, 32, 33, 127, 128, 129, 257];

fn name(text: &str) -> anyhow::Result<Name> {
    Name::new(text).ok().context("not a name")
}

async fn people(data: &Db, app: &AppId, count: usize) -> Result<Vec<SubjectId>> {
    let ids: Vec<SubjectId> = (0..count).map(|_| SubjectId::fresh(NOON)).collect();
    let (new, app) = (ids.clone(), app.clone());
    write!(data, [app, new], |tx| {
        let new = new.iter().map(|id| (*id, NOON, NOON.plus_seconds(60)));
        subjects::insert_many(tx, &app, new).await
    })?;
    Ok(ids)
}

fn record(subject: SubjectId, n: usize) -> anyhow::Result<StoredRecord> {
    let record = RecordId::new(format!("r{n}")).ok().context("not a record id")?;
    let field =
        StoredField { name: name("total")?, empty: n.is_multiple_of(2), ciphertext: vec![7; n] };
    Ok(StoredRecord {
        key: RecordKey { subject, category: name("invoice")?, record },
        version: 1,
        created_at: NOON,
        updated_at: NOON,
        clock_start: n.is_multiple_of(3).then_some(Day(20_000)),
        fields: vec![field],
    })
}

/// An event about consent of which every other column that may be null is.
fn consent(seq: i64, recorded_at: Time) -> anyhow::Result<StoredEvent> {
    let some = seq % 2 == 0;
    let shown = Shown {
        notice: name("news")?,
        version: 2,
        language: Language::new("de").ok().context("not a language")?,
    };
    let event = ConsentEvent {
        id: EventId::fresh(recorded_at),
        purpose: name("newsletter")?,
        action: Action::Granted,
        shown: some.then_some(shown),
        occurred_at: recorded_at,
        recorded_at,
        seq,
    };
    let gpp = (!some).then(|| vec![1, 2, 3]);
    Ok(StoredEvent { event, signals: StoredSignals { gpc: some.then_some(true), gpp } })
}

fn log_event(app: &AppId, subject: Option<SubjectId>) -> NewEvent {
    let payload =
        subject.map(|subject| Payload { subject, salt: [9; 16], json: "{}".into(), of_read: true });
    NewEvent {
        event: EventId::fresh(NOON),
        app: app.clone(),
        at: NOON,
        kind: "record.put",
        actor: "usr_1".to_owned(),
        subject_ref: subject.map(|_| [3; 32]),
        leaf: "{\"a\":\"'\"}".to_owned(),
        payload,
    }
}

fn line(n: usize, subject: SubjectId) -> ImportedLine {
    let mut line = [0; 32];
    line[..8].copy_from_slice(&n.to_be_bytes());
    ImportedLine { line, content: [1; 32], subject }
}

both_engines! {
    async fn any_number_of_rows_is_written_as_given(stores: Stores) {
        for (n, count) in COUNTS.into_iter().enumerate() {
            let app = app(&format!("shop-{n}"))?;
            let mut ids = people(&stores.data, &app, count).await?;
            ids.sort_unstable();
            let mut conn = stores.data.conn().await?;
            let found = subjects::list(&mut conn, &app, None, 1_000).await?;
            let expected: Vec<_> = ids.iter().map(|id| (*id, NOON, NOON.plus_seconds(60))).collect();
            let found: Vec<_> =
                found.iter().map(|row| (row.subject, row.created_at, row.last_contact)).collect();
            assert_eq!(found, expected, "{count}");
        }
    }

    async fn columns_keep_their_values_and_what_is_null(stores: Stores) {
        let shop = app("shop")?;
        let subject = people(&stores.data, &shop, 1).await?[0];
        let new = (1..=70).map(|seq| consent(seq, NOON)).collect::<anyhow::Result<Vec<_>>>()?;
        write!(stores.data, [shop, new], |tx| {
            let rows = new.iter().map(|stored| consents::NewEvent {
                subject,
                stored,
                actor: "usr_1",
                caller_id: None,
            });
            consents::insert_many(tx, &shop, rows).await
        })?;
        let mut conn = stores.data.conn().await?;
        assert_eq!(consents::history(&mut conn, &shop, subject, None, 100).await?, new);
        let wanted: Vec<_> = new.iter().map(|stored| (subject, stored.event.id)).collect();
        let stranger = (SubjectId::fresh(NOON), new[0].event.id);
        let asked: Vec<_> = wanted.iter().copied().chain([stranger]).collect();
        let found = consents::get_many(&mut conn, &shop, &asked).await?;
        assert_eq!(found.len(), 70);
        assert!(wanted.iter().zip(&new).all(|(place, stored)| found.get(place) == Some(stored)));
        let seqs = consents::last_seqs(&mut conn, &shop, &[subject, stranger.0]).await?;
        assert_eq!(seqs.into_iter().collect::<Vec<_>>(), [(subject, 70)]);
    }

    async fn events_go_with_the_payloads_that_they_have(stores: Stores) {
        let shop = app("shop")?;
        let subject = people(&stores.data, &shop, 1).await?[0];
        let new: Vec<NewEvent> =
            (0_u32..20).map(|n| log_event(&shop, n.is_multiple_of(3).then_some(subject))).collect();
        write!(stores.data, [new], |tx| {
            events::insert_many(tx, &new.iter().collect::<Vec<_>>()).await
        })?;
        let mut conn = stores.data.conn().await?;
        let listed = events::list(&mut conn, &shop, &events::Search::default(), None, 100).await?;
        let ids: Vec<EventId> = listed.iter().map(|(id, _)| *id).collect();
        assert_eq!(listed.len(), 20);
        assert!(listed.iter().all(|(_, leaf)| *leaf == new[0].leaf));
        assert_eq!(events::payloads(&mut conn, &shop, &ids).await?.len(), 7);
        let of = events::Search { subject_ref: Some([3; 32]), ..events::Search::default() };
        assert_eq!(events::list(&mut conn, &shop, &of, None, 100).await?.len(), 7);
    }

    async fn records_go_under_the_data_map_in_force_alone(stores: Stores) {
        let shop = app("shop")?;
        write!(stores.data, [shop], |tx| {
            apps::insert(tx, &new_app(&shop)).await?;
            apps::set_data_map_version(tx, &shop, 0, 1).await
        })?;
        let subject = people(&stores.data, &shop, 1).await?[0];
        let new = (0..75).map(|n| record(subject, n)).collect::<anyhow::Result<Vec<_>>>()?;
        let other =
            write!(stores.data, [shop, new], |tx| records::insert_many(tx, &shop, &new, 2).await);
        assert!(matches!(other, Err(StoreError::Stale)), "{other:?}");
        write!(stores.data, [shop, new], |tx| {
            records::insert_many(tx, &shop, &new, 1).await?;
            let version = Version {
                version: 1,
                at: NOON,
                actor: "usr_1".to_owned(),
                change: Change::Created,
                changed: vec![],
            };
            let versions = new.iter().map(|record| (&record.key, &version));
            record_versions::insert_versions(tx, &shop, versions).await
        })?;
        let mut conn = stores.data.conn().await?;
        let mut found = records::page(&mut conn, &shop, subject, None, 100).await?;
        found.sort_by_key(|record| record.fields[0].ciphertext.len());
        assert_eq!(found, new);
        let keys: Vec<&RecordKey> = new.iter().map(|record| &record.key).collect();
        assert_eq!(records::places(&mut conn, &shop, &keys).await?.len(), 75);
        let again = write!(stores.data, [shop, new], |tx| {
            records::insert_many(tx, &shop, &new[60..61], 1).await
        });
        assert!(matches!(again, Err(StoreError::Stale)), "{again:?}");
    }

    async fn one_row_that_is_there_keeps_all_of_them_out(stores: Stores) {
        let shop = app("shop")?;
        let subject = people(&stores.data, &shop, 1).await?[0];
        let one = line(150, subject);
        write!(stores.data, [shop], |tx| imported_lines::insert_many(tx, &shop, [&one]).await)?;
        let all: Vec<ImportedLine> = (0..201).map(|n| line(n, subject)).collect();
        let written =
            write!(stores.data, [shop, all], |tx| imported_lines::insert_many(tx, &shop, &all).await);
        assert!(matches!(written, Err(StoreError::Duplicate { .. })), "{written:?}");
        let mut conn = stores.data.conn().await?;
        let macs: Vec<[u8; 32]> = all.iter().map(|line| line.line).collect();
        let found = imported_lines::find_many(&mut conn, &shop, &macs).await?;
        assert_eq!(found.into_values().collect::<Vec<_>>(), [one]);
    }
}
