//! The log: searching it, tracing whose data was read, and purging what reads said.

use anyhow::Context as _;
use oubli_domain::request::SubjectState;
use oubli_domain::{AppId, EventId, SubjectId, Time};
use oubli_store::events::{self, NewEvent, Payload, Search};
use oubli_store::{Db, Tx, erasure, exposure, subjects};

use crate::common::{NOON, app, both_engines, write};

fn event(app: &AppId, kind: &'static str, actor: &str, second: i64, about: u8) -> NewEvent {
    let at = NOON.plus_seconds(second);
    NewEvent {
        event: EventId::fresh(at),
        app: app.clone(),
        at,
        kind,
        actor: actor.to_owned(),
        subject_ref: (about > 0).then_some([about; 32]),
        leaf: "{}".to_owned(),
        payload: None,
    }
}

fn of_read(event: NewEvent, subject: SubjectId, of_read: bool) -> NewEvent {
    let payload = Payload { subject, salt: [0; 16], json: "{}".to_owned(), of_read };
    NewEvent { payload: Some(payload), ..event }
}

async fn insert(tx: &mut Tx, all: &[NewEvent]) -> oubli_store::Result<()> {
    for event in all {
        events::insert(tx, event).await?;
    }
    Ok(())
}

async fn found(db: &Db, app: &AppId, search: &Search) -> anyhow::Result<Vec<EventId>> {
    let mut conn = db.conn().await?;
    let (mut all, mut after) = (Vec::new(), None);
    // Two at a time: a page goes on where the one before ended.
    loop {
        let page = events::list(&mut conn, app, search, after, 2).await?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after = Some(*last);
        all.extend(page.iter().map(|(event, _)| *event));
    }
}

both_engines! {
    async fn events_are_found_by_each_filter_and_by_all(stores: Stores) {
        let (shop, market) = (app("shop")?, app("market")?);
        let all = [
            event(&shop, "record.read", "client:a", 0, 1),
            event(&shop, "record.put", "client:a", 1, 1),
            event(&shop, "record.read", "client:b", 2, 2),
            event(&shop, "record.read", "client:a", 3, 1),
            event(&shop, "record.read", "client:a", 4, 0),
            event(&market, "record.read", "client:a", 2, 1),
        ];
        let ids: Vec<EventId> = all.iter().map(|event| event.event).collect();
        write!(stores.data, [all], |tx| insert(tx, &all).await)?;
        let none = Search::default;
        let (actor, kind) = (Some("client:a".to_owned()), Some("record.read".to_owned()));
        let at = |second: i64| Some(NOON.plus_seconds(second));
        let person = Some([1; 32]);
        for (search, expected) in [
            (none(), vec![0, 1, 2, 3, 4]),
            (Search { actor: actor.clone(), ..none() }, vec![0, 1, 3, 4]),
            (Search { kind: kind.clone(), ..none() }, vec![0, 2, 3, 4]),
            (Search { subject_ref: person, ..none() }, vec![0, 1, 3]),
            (Search { from: at(1), to: at(3), ..none() }, vec![1, 2]),
            (Search { from: at(3), ..none() }, vec![3, 4]),
            (Search { until: Some(ids[2]), ..none() }, vec![0, 1, 2]),
            (
                Search { subject_ref: person, actor, kind, from: at(1), to: at(9), until: None },
                vec![3],
            ),
        ] {
            let expected: Vec<EventId> = expected.into_iter().map(|n: usize| ids[n]).collect();
            assert_eq!(found(&stores.data, &shop, &search).await?, expected, "{search:?}");
        }
        let mut conn = stores.data.conn().await?;
        assert_eq!(events::newest(&mut conn, &shop).await?, Some(ids[4]));
        assert_eq!(events::newest(&mut conn, &app("other")?).await?, None);
    }

    async fn a_time_within_a_millisecond_bounds_exactly(stores: Stores) {
        let shop = app("shop")?;
        let at = |micros: i64| Time(NOON.0 + micros);
        let new = |micros: i64| NewEvent {
            event: EventId::fresh(at(micros)),
            at: at(micros),
            ..event(&shop, "record.read", "system", 0, 0)
        };
        let all = [new(400), new(600)];
        let ids = [all[0].event, all[1].event];
        write!(stores.data, [all], |tx| insert(tx, &all).await)?;
        let before = Search { to: Some(at(600)), ..Search::default() };
        assert_eq!(found(&stores.data, &shop, &before).await?, ids[..1]);
        let later = Search { from: Some(at(600)), ..Search::default() };
        assert_eq!(found(&stores.data, &shop, &later).await?, ids[1..]);
    }

    async fn events_are_traced_to_those_who_are_there(stores: Stores) {
        let shop = app("shop")?;
        let (ada, bob) = (SubjectId::fresh(NOON), SubjectId::fresh(NOON));
        let all = [
            of_read(event(&shop, "record.read", "client:a", 0, 1), ada, true),
            of_read(event(&shop, "record.read", "client:b", 1, 2), bob, true),
            event(&shop, "record.read", "client:a", 2, 3),
        ];
        write!(stores.data, [shop, all], |tx| {
            subjects::insert(tx, &shop, ada, NOON).await?;
            subjects::insert(tx, &shop, bob, NOON).await?;
            insert(tx, &all).await
        })?;
        let mut conn = stores.data.conn().await?;
        let (first, end) = (EventId::bound(NOON), EventId::bound(NOON.plus_seconds(9)));
        let about = async |conn: &mut _, actor: Option<&str>| -> anyhow::Result<Vec<_>> {
            let page = exposure::page(conn, &shop, actor, first, end, 10).await?;
            Ok(page.into_iter().map(|event| event.about.map(|(subject, _)| subject)).collect())
        };
        assert_eq!(about(&mut conn, None).await?, [Some(ada), Some(bob), None]);
        assert_eq!(about(&mut conn, Some("client:a")).await?, [Some(ada), None]);
        let people = [[1; 32], [2; 32], [3; 32]];
        let living = exposure::living(&mut conn, &shop, &people).await?;
        assert_eq!(living, [[1; 32], [2; 32]].into());
        drop(conn);
        write!(stores.data, [shop], |tx| {
            subjects::set_state(tx, &shop, ada, SubjectState::Erasing).await
        })?;
        let mut conn = stores.data.conn().await?;
        assert_eq!(about(&mut conn, None).await?, [None, Some(bob), None]);
        let living = exposure::living(&mut conn, &shop, &people).await?;
        assert_eq!(living, [[2; 32]].into());
        let ids: Vec<EventId> = all_ids(&mut conn, &shop).await?;
        let payloads = events::payloads(&mut conn, &shop, &ids).await?;
        assert_eq!(payloads.into_keys().collect::<Vec<_>>(), [ids[1]]);
    }

    async fn old_payloads_of_reads_go_within_the_limit_and_others_stay(stores: Stores) {
        let (shop, market) = (app("shop")?, app("market")?);
        let ada = SubjectId::fresh(NOON);
        let mut all = Vec::new();
        for second in 0..5 {
            all.push(of_read(event(&shop, "record.put", "client:a", second, 1), ada, false));
            all.push(of_read(event(&shop, "record.read", "client:a", second, 1), ada, true));
            all.push(of_read(event(&market, "record.read", "client:a", second, 1), ada, true));
        }
        write!(stores.data, [all], |tx| insert(tx, &all).await)?;
        let before = EventId::bound(NOON.plus_seconds(4));
        let due = async || {
            events::has_read_payload(&mut stores.data.conn().await?, &shop, before).await
        };
        for deleted in [3, 1, 0] {
            assert_eq!(due().await?, deleted > 0);
            let purged = write!(stores.data, [shop], |tx| {
                events::purge_read_payloads(tx, &shop, before, 3).await
            })?;
            assert_eq!(purged, deleted);
        }
        let table = erasure::DATA_TABLES.iter().find(|t| t.name == "event_payloads");
        let table = table.context("payloads have a subject")?;
        let mut conn = stores.data.conn().await?;
        assert_eq!(erasure::count(&mut conn, table, &shop, ada).await?, 6);
        assert_eq!(erasure::count(&mut conn, table, &market, ada).await?, 5);
        assert_eq!(found(&stores.data, &shop, &Search::default()).await?.len(), 10);
    }
}

async fn all_ids(conn: &mut oubli_store::Conn, app: &AppId) -> anyhow::Result<Vec<EventId>> {
    let page = events::list(conn, app, &Search::default(), None, 10).await?;
    Ok(page.into_iter().map(|(event, _)| event).collect())
}
