//! Statements that ask for many rows at once, and lists that go on where they ended.

use anyhow::Context;
use oubli_domain::consent::{Action, ConsentEvent, Language, Shown};
use oubli_domain::identifier::IdentifierType;
use oubli_domain::{AppId, ClaimId, EventId, IdentifierId, Name, SubjectId, Time};
use oubli_store::consents::{StoredEvent, StoredSignals};
use oubli_store::keys::blind_indexes::{self, BlindIndex, Owner};
use oubli_store::keys::key_sets;
use oubli_store::notices::{self, Notice};
use oubli_store::{Db, Result, Tx, consents, data_maps, subjects};

use crate::common::{NOON, app, both_engines, write};

fn name(text: &str) -> anyhow::Result<Name> {
    Name::new(text).ok().context("not a name")
}

fn event(purpose: &str, seq: i64, recorded_at: Time) -> anyhow::Result<ConsentEvent> {
    Ok(ConsentEvent {
        id: EventId::fresh(recorded_at),
        purpose: name(purpose)?,
        action: Action::Granted,
        shown: Some(Shown {
            notice: name("news")?,
            version: 2,
            language: Language::new("de-AT").ok().context("not a language")?,
        }),
        occurred_at: recorded_at,
        recorded_at,
        seq,
    })
}

async fn insert(tx: &mut Tx, app: &AppId, subject: SubjectId, event: &ConsentEvent) -> Result<()> {
    let signals = StoredSignals { gpc: Some(true), gpp: Some(vec![7; 40]) };
    let stored = StoredEvent { event: event.clone(), signals };
    let new = consents::NewEvent { subject, stored: &stored, actor: "usr_1", caller_id: None };
    consents::insert_many(tx, app, [new]).await?;
    consents::set_latest(tx, app, subject, event).await
}

async fn people(data: &Db, app: &AppId, count: usize) -> Result<Vec<SubjectId>> {
    let ids: Vec<SubjectId> = (0..count).map(|_| SubjectId::fresh(NOON)).collect();
    let app = app.clone();
    let new = ids.clone();
    data.write("test", move |tx| {
        let (app, new) = (app.clone(), new.clone());
        Box::pin(async move {
            subjects::insert_many(tx, &app, new.iter().map(|id| (*id, NOON, NOON))).await
        })
    })
    .await?;
    Ok(ids)
}

both_engines! {
    async fn many_subjects_are_found_and_others_left_out(stores: Stores) {
        let shop = app("shop")?;
        let ids = people(&stores.data, &shop, 3).await?;
        let elsewhere = people(&stores.data, &app("other")?, 1).await?;
        let asked = [ids[0], ids[2], elsewhere[0], SubjectId::fresh(NOON)];
        let mut conn = stores.data.conn().await?;
        let found = subjects::get_many(&mut conn, &shop, &asked).await?;
        let mut found: Vec<SubjectId> = found.iter().map(|row| row.subject).collect();
        found.sort_unstable();
        let mut expected = [ids[0], ids[2]];
        expected.sort_unstable();
        assert_eq!(found, expected);
        assert_eq!(subjects::get_many(&mut conn, &shop, &[]).await?, []);
    }

    async fn a_thousand_subjects_are_one_statement(stores: Stores) {
        let shop = app("shop")?;
        let ids = people(&stores.data, &shop, 1_000).await?;
        let mut conn = stores.data.conn().await?;
        assert_eq!(subjects::get_many(&mut conn, &shop, &ids).await?.len(), 1_000);
    }

    async fn many_blind_indexes_are_found_by_type_and_version(stores: Stores) {
        let shop = app("shop")?;
        let keys = stores.keys().await?;
        let owner = Owner {
            subject: SubjectId::fresh(NOON),
            identifier: IdentifierId::fresh(NOON),
            claim: ClaimId::fresh(NOON),
            live: true,
            created_at: NOON,
        };
        let email = IdentifierType::Email;
        for (kind, version, byte) in [(email, 1, 1u8), (email, 1, 2), (email, 2, 3),
            (IdentifierType::Phone, 1, 4)] {
            let index = BlindIndex { kind, version, value: [byte; 32] };
            write!(keys, [shop, index, owner], |tx| {
                key_sets::create(tx, &shop).await?;
                let held = key_sets::hold(tx, &shop, 1).await?;
                blind_indexes::insert(tx, &held, &index, &owner).await
            })?;
        }
        let asked: Vec<[u8; 32]> = (1..=5u8).map(|byte| [byte; 32]).collect();
        let mut conn = keys.conn().await?;
        let mut found = blind_indexes::find_many(&mut conn, &shop, email, 1, &asked).await?;
        found.sort_unstable_by_key(|(value, _)| *value);
        assert_eq!(found, [([1; 32], owner), ([2; 32], owner)]);
        let other = app("other")?;
        assert_eq!(blind_indexes::find_many(&mut conn, &other, email, 1, &asked).await?, []);
    }

    async fn the_deciding_events_of_many_are_those_asked_for(stores: Stores) {
        let shop = app("shop")?;
        let ids = people(&stores.data, &shop, 3).await?;
        for (person, purpose) in [(0, "news"), (0, "ads"), (1, "news"), (2, "news")] {
            let (subject, new) = (ids[person], event(purpose, 1, NOON)?);
            write!(stores.data, [shop, subject, new], |tx| insert(tx, &shop, subject, &new).await)?;
        }
        let mut conn = stores.data.conn().await?;
        let purposes = [name("news")?, name("nothing")?];
        let found = consents::latest_of_many(&mut conn, &shop, &ids[..2], &purposes).await?;
        let mut owners: Vec<SubjectId> = found.iter().map(|(owner, _)| *owner).collect();
        owners.sort_unstable();
        let mut expected = [ids[0], ids[1]];
        expected.sort_unstable();
        assert_eq!(owners, expected);
        for (owner, event) in found {
            let single = consents::latest(&mut conn, &shop, owner, &purposes[0]).await?;
            assert_eq!(single.0, Some(event));
        }
    }

    async fn a_history_is_in_the_order_of_its_numbers(stores: Stores) {
        let shop = app("shop")?;
        let subject = people(&stores.data, &shop, 1).await?[0];
        // Recorded while the clock stepped back: the ids sort the other way round.
        for seq in 1..=5 {
            let new = event("news", seq, NOON.plus_seconds(-60 * seq))?;
            write!(stores.data, [shop, subject, new], |tx| insert(tx, &shop, subject, &new).await)?;
        }
        let mut conn = stores.data.conn().await?;
        let first = consents::history(&mut conn, &shop, subject, None, 3).await?;
        let last = first.last().map(|stored| (stored.event.seq, stored.event.id));
        let rest = consents::history(&mut conn, &shop, subject, last, 3).await?;
        let numbers: Vec<i64> = first.iter().chain(&rest).map(|stored| stored.event.seq).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        let newest = rest.last().context("the newest event")?;
        assert_eq!(newest.signals.gpc, Some(true));
        let alone = consents::get(&mut conn, &shop, subject, newest.event.id).await?;
        assert_eq!(alone.as_ref(), Some(newest));
        let stranger = SubjectId::fresh(NOON);
        assert_eq!(consents::get(&mut conn, &shop, stranger, newest.event.id).await?, None);
        assert_eq!(consents::get(&mut conn, &app("other")?, subject, newest.event.id).await?, None);
    }

    async fn lists_of_versions_go_on_where_they_ended(stores: Stores) {
        let shop = app("shop")?;
        for version in [1, 2, 10] {
            write!(stores.data, [shop, version], |tx| {
                data_maps::insert(tx, &shop, version, "{}", &[7; 32], NOON, "usr_1").await
            })?;
        }
        let mut conn = stores.data.conn().await?;
        let versions = data_maps::list(&mut conn, &shop, 1, 10).await?;
        assert_eq!(versions.iter().map(|v| v.version).collect::<Vec<_>>(), [2, 10]);
        assert_eq!(data_maps::list(&mut conn, &shop, 0, 1).await?[0].digest, [7; 32]);
        for (notice, version) in [("news", 1), ("ads", 2), ("news", 2), ("ads", 10)] {
            let new = Notice {
                notice: name(notice)?,
                version,
                texts_json: "{}".to_owned(),
                digest: [3; 32],
                requires_renewal: false,
                created_at: NOON,
                created_by: "usr_1".to_owned(),
            };
            write!(stores.data, [shop, new], |tx| notices::insert(tx, &shop, &new).await)?;
        }
        let (ads, news) = (name("ads")?, name("news")?);
        let page = notices::page(&mut conn, &shop, Some((&ads, 2)), 2).await?;
        let page: Vec<_> = page.into_iter().map(|v| (v.notice, v.version)).collect();
        assert_eq!(page, [(ads.clone(), 10), (news.clone(), 1)]);
        assert_eq!(notices::newest_versions(&mut conn, &shop).await?, [(ads, 10), (news, 2)]);
    }
}
