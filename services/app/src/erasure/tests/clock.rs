//! Erasures while the machine's clock steps back and forth.

use oubli_domain::request::RequestState;
use oubli_domain::{RequestId, Right, SubjectId};

use super::{kinds, left, verified};
use crate::requests::world::World;
use crate::worker::{Next, lease, step};

const HOUR: i64 = 3_600;
const YEAR: i64 = 365 * 24 * HOUR;

/// The erasure has one end, and nothing is left.
async fn ended_once(world: &World, ada: SubjectId, request: RequestId) {
    assert_eq!(world.details(request).await.request.state, RequestState::Completed);
    assert_eq!(left(world, ada).await, []);
    assert_eq!(verified(world, request).await.deleted["records"], 2);
    let completed = kinds(world).await.iter().filter(|k| *k == "request.completed").count();
    assert_eq!(completed, 1);
}

#[tokio::test]
async fn an_erasure_does_not_wait_for_the_clock_to_come_back() {
    for seconds in [-HOUR, -YEAR, YEAR] {
        let world = World::new().await;
        let ada = world.customer("ada").await;
        let request = world.request(Right::Erasure, ada).await;
        world.clock.advance(seconds);
        world.work().await;
        ended_once(&world, ada, request).await;
    }
}

#[tokio::test]
async fn a_lease_from_before_the_clock_stepped_back_holds_nobody_up() {
    for steps in 0..6 {
        let world = World::new().await;
        let ada = world.customer("ada").await;
        let request = world.request(Right::Erasure, ada).await;
        let stalled = lease(&world.oubli, 1).await.unwrap().remove(0);
        for _ in 0..steps {
            assert_eq!(step(&world.oubli, &stalled).await.unwrap(), Next::Again);
        }
        world.clock.advance(-YEAR);
        world.work().await;
        ended_once(&world, ada, request).await;
        // The first worker wakes up: what it does is not done again.
        let late = step(&world.oubli, &stalled).await;
        assert!(late.is_err(), "{late:?}");
        ended_once(&world, ada, request).await;
    }
}
