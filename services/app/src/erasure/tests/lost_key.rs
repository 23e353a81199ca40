//! A person whose data key a restore lost or damaged.

use oubli_domain::request::RequestState;
use oubli_domain::{ClaimId, Code, Right, SubjectId};
use oubli_store::erasure::{KEY_TABLES, delete_chunk};
use oubli_store::keys::subject_keys::{self, WrappedDataKey};

use super::{left, verified};
use crate::requests::create;
use crate::requests::world::{World, new_request};
use crate::testing::refused;

/// Takes a person's data key away, and puts another row in its place.
async fn lose_key(world: &World, subject: SubjectId, instead: Option<WrappedDataKey>) {
    let (app, at) = (world.app.clone(), world.oubli.now());
    let lost = world.oubli.keys().write("test.lose", move |tx| {
        let (app, instead) = (app.clone(), instead.clone());
        Box::pin(async move {
            let table = KEY_TABLES.iter().find(|table| table.name == "subject_keys").unwrap();
            assert_eq!(delete_chunk(tx, table, &app, subject).await?, 1);
            match &instead {
                Some(row) => subject_keys::insert(tx, &app, row, at).await,
                None => Ok(()),
            }
        })
    });
    lost.await.unwrap();
    world.oubli.keyring().forget(&world.app, subject);
}

/// The row of a key that was made for somebody else.
async fn foreign(world: &World, subject: SubjectId) -> WrappedDataKey {
    let (other, claim) = (SubjectId::fresh(world.oubli.now()), ClaimId::fresh(world.oubli.now()));
    let made = world.oubli.keyring().new_data_key(&world.app, other, claim).await;
    WrappedDataKey { subject, live: true, ..made.unwrap().1 }
}

#[tokio::test]
async fn a_person_whose_key_is_gone_or_does_not_open_can_be_erased() {
    let world = World::new().await;
    let (ada, bob) = (world.customer("ada").await, world.customer("bob").await);
    lose_key(&world, ada, None).await;
    let damaged = foreign(&world, bob).await;
    lose_key(&world, bob, Some(damaged)).await;
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
