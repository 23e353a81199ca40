//! What housekeeping deletes when the machine's clock steps, and what it does not.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use oubli_domain::{RequestId, Right, SessionId, SubjectId, Time, UserId};
use oubli_store::staff::sessions;
use oubli_store::{events, exports, idempotency};

use super::{EVERY, House, run};
use crate::export::{issue_download, open_download};
use crate::read_payload::READ;
use crate::requests::world::World;

const HOUR: i64 = 3_600;
const YEAR: i64 = 365 * 24 * HOUR;
const KEY: [u8; 32] = [1; 32];

/// One of each that expires.
struct Expiring {
    subject: SubjectId,
    request: RequestId,
    session: SessionId,
}

const ALL: [&str; 4] = ["answer", "bundle", "payload", "session"];

async fn expiring(world: &World) -> Expiring {
    let subject = world.customer("ada").await;
    let request = world.request(Right::Access, subject).await;
    world.work().await;
    let (app, now) = (world.app.clone(), world.oubli.now());
    let session = SessionId::fresh(now);
    let written = world.oubli.data().write("test.expiring", move |tx| {
        let app = app.clone();
        Box::pin(async move {
            let day = now.plus_seconds(24 * HOUR);
            idempotency::claim(tx, &app, &KEY, &KEY, day, now).await?;
            sessions::insert(tx, session, UserId::fresh(now), now, now.plus_seconds(HOUR)).await
        })
    });
    written.await.unwrap();
    Expiring { subject, request, session }
}

/// What of it is still there.
async fn kept(world: &World, of: &Expiring) -> Vec<&'static str> {
    let app = &world.app;
    let mut conn = world.oubli.data().conn().await.unwrap();
    let answer = idempotency::peek(&mut conn, app, &KEY, &KEY, Time(0)).await.unwrap();
    let bundle = exports::by_request(&mut conn, app, of.request).await.unwrap();
    let read = events::of_subject(&mut conn, app, of.subject, READ, None, 9).await.unwrap();
    let session = sessions::get(&mut conn, of.session).await.unwrap();
    let there = [answer.is_some(), bundle.is_some(), !read.is_empty(), session.is_some()];
    ALL.into_iter().zip(there).filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

#[tokio::test]
async fn a_clock_that_steps_forth_and_back_deletes_nothing() {
    let world = World::new().await;
    let of = expiring(&world).await;
    let (mut house, mut at) = (House::default(), Instant::now());
    for step in [0, 2 * YEAR, -2 * YEAR, YEAR, -YEAR] {
        world.clock.advance(step);
        at += EVERY;
        house.turn(&world.oubli, at).await;
        assert_eq!(kept(&world, &of).await, ALL, "{step}");
    }
    // Time that does pass is believed: three days, and then a year.
    for (hours, left) in [(73, vec!["payload"]), (365 * 24, Vec::new())] {
        world.clock.advance(hours * HOUR);
        at += Duration::from_hours(hours.unsigned_abs());
        house.turn(&world.oubli, at).await;
        assert_eq!(kept(&world, &of).await, left);
    }
}

#[tokio::test]
async fn a_bundle_that_was_downloaded_while_the_clock_was_ahead_goes_at_once() {
    let world = World::new().await;
    world.clock.advance(YEAR);
    let of = expiring(&world).await;
    let issued = issue_download(&world.oubli, &world.call(), of.request).await.unwrap();
    let token = issued.token.expose();
    let download = open_download(&world.oubli, &world.app, issued.export, token).await.unwrap();
    let chunks: Vec<_> = download.into_stream().try_collect().await.unwrap();
    assert!(!chunks.is_empty());
    world.clock.advance(-YEAR);
    run(&world.oubli).await;
    assert_eq!(kept(&world, &of).await, ["answer", "payload", "session"]);
}
