//! The payloads of read events go when they are old. The leaves stay: the log still proves that
//! there was a read, and no longer says what was read.

use oubli_domain::data_map::Period;
use oubli_domain::{AppId, AppState, EventId};
use oubli_store::{apps, events};

use crate::error::Result;
use crate::oubli::Oubli;

/// How many apps are looked up at once.
const APPS: i64 = 100;

/// Deletes the payloads of read events that are older than their app's `read_payload_months`, at
/// most `limit` of each app.
pub(crate) async fn purge(oubli: &Oubli, limit: i64) -> Result<()> {
    let mut after: Option<AppId> = None;
    loop {
        let page = apps::list(&mut oubli.data().conn().await?, after.as_ref(), APPS).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.app.clone());
        // An app that is being deleted takes its log with it.
        for app in page.into_iter().filter(|app| app.state == AppState::Active) {
            purge_app(oubli, app.app, limit).await?;
        }
    }
}

async fn purge_app(oubli: &Oubli, app: AppId, limit: i64) -> Result<()> {
    let mut conn = oubli.data().conn().await?;
    let months = oubli.model(&mut conn, &app).await?.settings.read_payload_months;
    let before = EventId::bound(Period::months(months).before(oubli.now()));
    let due = events::has_read_payload(&mut conn, &app, before).await?;
    drop(conn);
    // Most turns find nothing: they leave the writer alone.
    if !due {
        return Ok(());
    }
    let purged = oubli.data().write("read_payloads.purge", move |tx| {
        let app = app.clone();
        Box::pin(async move { events::purge_read_payloads(tx, &app, before, limit).await })
    });
    Ok(purged.await.map(drop)?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use oubli_domain::SubjectId;
    use oubli_store::events;

    use super::purge;
    use crate::exposure::{ExposureQuery, Totals, exposure};
    use crate::read_payload::READ;
    use crate::requests::world::{World, key, name};
    use crate::{Settings, apps, records};

    const DAY: i64 = 86_400;

    async fn payloads(world: &World, subject: SubjectId) -> usize {
        let mut conn = world.oubli.data().conn().await.unwrap();
        events::of_subject(&mut conn, &world.app, subject, READ, None, 100).await.unwrap().len()
    }

    async fn totals(world: &World) -> Totals {
        let query = ExposureQuery::default();
        let found = exposure(&world.oubli, &world.caller(), &query, None, 10).await.unwrap();
        found.totals.unwrap()
    }

    #[tokio::test]
    async fn what_was_read_goes_after_a_year_and_the_read_stays() {
        let world = World::new().await;
        let ada = world.customer("ada").await;
        // From 15 January 2026 to the same day of 2027, and not before.
        world.clock.advance(365 * DAY);
        world.work().await;
        assert_eq!(payloads(&world, ada).await, 1);
        world.clock.advance(1);
        world.work().await;
        assert_eq!(payloads(&world, ada).await, 0);
        let seen = totals(&world).await;
        assert_eq!((seen.subjects, seen.reads), (0, 0));
        assert_eq!((seen.purged.subjects, seen.purged.reads), (1, 1));
        assert_eq!(seen.erased.subjects, 0);
        let key = key(ada, "profile", "main");
        records::get(&world.oubli, &world.caller(), &key, &name("fulfil")).await.unwrap();
        let seen = totals(&world).await;
        assert_eq!((seen.subjects, seen.reads, seen.purged.reads), (1, 1, 1));
    }

    #[tokio::test]
    async fn an_app_sets_how_long_and_few_go_at_a_time() {
        let world = World::new().await;
        let ada = world.customer("ada").await;
        let key = key(ada, "profile", "main");
        for _ in 0..4 {
            records::get(&world.oubli, &world.caller(), &key, &name("fulfil")).await.unwrap();
        }
        world.clock.advance(32 * DAY);
        purge(&world.oubli, 2).await.unwrap();
        assert_eq!(payloads(&world, ada).await, 5);
        let settings = Settings { read_payload_months: 1, ..Settings::default() };
        apps::put_settings(&world.oubli, &world.call(), settings).await.unwrap();
        for left in [3, 1, 0, 0] {
            purge(&world.oubli, 2).await.unwrap();
            assert_eq!(payloads(&world, ada).await, left);
        }
        let of = async |kind: &str| {
            let mut conn = world.oubli.data().conn().await.unwrap();
            events::of_subject(&mut conn, &world.app, ada, kind, None, 10).await.unwrap().len()
        };
        assert_eq!((of("subject.created").await, of("record.put").await), (1, 2));
    }
}
