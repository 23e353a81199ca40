//! One app's trouble stops no work on the keys of others.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicBool, Ordering};

use oubli_domain::{AppId, CertificateId, RequestId, Right};
use oubli_store::app_tables::{SUBJECT_KEY_TABLES, delete_chunk};
use oubli_store::certificates;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::tests::{NOW, quiet, retire, two_nodes};
use super::{KeysError, Progress, Reindex, Rotate, due, reindex, rotate, status};
use crate::Oubli;
use crate::requests::world::World;
use crate::testing;

/// The first step that the deletion of an app takes on its keys.
async fn close_keys(oubli: &Oubli, app: &AppId) {
    let of = app.clone();
    let closed = oubli.keys().write("test.close", move |tx| {
        let app = of.clone();
        Box::pin(async move { delete_chunk(tx, &SUBJECT_KEY_TABLES[0], &app).await })
    });
    assert_eq!(closed.await.unwrap(), 1);
}

#[tokio::test]
async fn an_app_that_is_being_deleted_stops_no_work_on_others() {
    let (world, second) = two_nodes().await;
    let market = testing::app(&world.oubli, "market").await;
    world.person("ada").await;
    close_keys(&world.oubli, &market).await;
    world.clock.advance(1);
    let done = rotate(&second, &Rotate::default(), &quiet).await.unwrap();
    assert_eq!((done.apps, done.rewrapped), (1, 1));
    assert_eq!(reindex(&second, &Reindex::default(), &quiet).await.unwrap().indexes, 3);
    let done = retire(&second, NOW).await.unwrap();
    assert_eq!((done.epochs, done.root_versions.len()), (1, 0), "its own key is needed to sign");
    let only = Rotate { app: Some(market), ..Rotate::default() };
    assert!(matches!(rotate(&second, &only, &quiet).await, Err(KeysError::NoSuchApp)));
    assert_eq!(status(&second).await.unwrap().work.unwrap().state, "ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_whose_deletion_begins_meanwhile_is_passed_over() {
    let (world, second) = two_nodes().await;
    let apps = [
        testing::app(&world.oubli, "market").await,
        testing::app(&world.oubli, "office").await,
        testing::app(&world.oubli, "zoo").await,
    ];
    world.person("ada").await;
    world.clock.advance(1);
    let closing = |app: &AppId| {
        let (app, began) = (app.clone(), AtomicBool::new(false));
        let world = &world;
        move |_: Progress| {
            if !began.swap(true, Ordering::SeqCst) {
                let closed = close_keys(&world.oubli, &app);
                tokio::task::block_in_place(|| Handle::current().block_on(closed));
            }
        }
    };
    let done = rotate(&second, &Rotate::default(), &closing(&apps[0])).await.unwrap();
    assert_eq!((done.apps, done.rewrapped), (3, 1));
    let done = reindex(&second, &Reindex::default(), &closing(&apps[1])).await.unwrap();
    assert_eq!(done.indexes, 6);
    let found = due(&second, NOW).await.unwrap();
    let done = super::retire(&second, NOW, &found, &closing(&apps[2])).await.unwrap();
    assert_eq!((found.epochs.len(), done.epochs), (2, 1));
    assert_eq!(status(&second).await.unwrap().work.unwrap().state, "ended");
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_keeps_no_other_from_being_final() {
    let (world, second) = two_nodes().await;
    let ada = world.customer("ada").await;
    world.request(Right::Erasure, ada).await;
    world.work().await;
    insert_damaged(&world).await;
    world.clock.advance(1);
    rotate(&second, &Rotate::default(), &quiet).await.unwrap();
    let done = retire(&second, NOW).await.unwrap();
    assert_eq!((done.certificates, done.certificates_unreadable), (1, 1));
    assert_eq!(status(&second).await.unwrap().work.unwrap().state, "ended");
}

async fn insert_damaged(world: &World) {
    let (app, at) = (world.app.clone(), world.oubli.now());
    let (id, request) = (CertificateId::fresh(at), RequestId(Uuid::from_u128(1)));
    let written = world.oubli.data().write("test.damaged", move |tx| {
        let app = app.clone();
        Box::pin(async move {
            certificates::insert(tx, &app, id, request, "erasure", "e30.e30.AA", at).await
        })
    });
    written.await.unwrap();
}
