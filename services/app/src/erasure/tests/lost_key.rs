//! A person whose data key a restore lost or damaged.

use oubli_domain::request::RequestState;
use oubli_domain::{Code, Right};

use super::{left, verified};
use crate::requests::create;
use crate::requests::world::{World, new_request};
use crate::testing::refused;

#[tokio::test]
async fn a_person_whose_key_is_gone_or_does_not_open_can_be_erased() {
    let world = World::new().await;
    let (ada, bob) = (world.customer("ada").await, world.customer("bob").await);
    world.lose_key(ada, None).await;
    let damaged = world.foreign_key(bob).await;
    world.lose_key(bob, Some(damaged)).await;
    let access = create(&world.oubli, &world.call(), new_request(Right::Access, ada)).await;
    assert_eq!(refused(access), Code::SubjectNotFound);
    for (person, keys) in [(ada, 0), (bob, 1)] {
        let request = world.request(Right::Erasure, person).await;
        world.work().await;
        assert_eq!(world.details(request).await.request.state, RequestState::Completed);
        assert_eq!(left(&world, person).await, []);
        assert_eq!(verified(&world, request).await.deleted["subject_keys"], keys);
    }
}
