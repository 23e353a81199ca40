#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oubli_domain::scope::Scope;
use oubli_domain::{AppId, ClientId, Code};

use super::{NewClient, WithSecret, create, get, list, revoke, rotate_secret};
use crate::testing::{self, refused};
use crate::{Call, Error, Oubli};

fn new(scopes: &[Scope]) -> NewClient {
    NewClient { title: "Backend".to_owned(), scopes: scopes.iter().copied().collect() }
}

async fn made(oubli: &Oubli, call: &Call, scopes: &[Scope]) -> Result<WithSecret, Error> {
    create(oubli, call, new(scopes)).await
}

#[tokio::test]
async fn a_secret_is_shown_once_and_printed_never() {
    let (_dir, oubli, _) = testing::oubli().await;
    let app = testing::app(&oubli, "shop").await;
    let mut call = Call::system(app.clone());
    call.once = Some(oubli.once("system", "key-1", "POST", "/clients", b"{}").unwrap());
    let client = made(&oubli, &call, &[Scope::AppRead]).await.unwrap();
    let repeat = made(&oubli, &call, &[Scope::AppRead]).await;
    assert_eq!(refused(repeat), Code::SecretAlreadyShown);
    assert!(!format!("{client:?}").contains(client.secret.expose()));
    assert_eq!(list(&oubli, &call.caller, None, 10).await.unwrap().len(), 1);
    let shown = get(&oubli, &call.caller, &client.client).await.unwrap();
    assert_eq!((shown.client, shown.rotated_at, shown.revoked_at), (client.client, None, None));
}

#[tokio::test]
async fn what_a_client_may_be_is_bounded() {
    let (_dir, oubli, _) = testing::oubli().await;
    let call = Call::system(testing::app(&oubli, "shop").await);
    for bad in [
        new(&[]),
        new(&[Scope::AppRead, Scope::AppsManage]),
        NewClient { title: String::new(), ..new(&[Scope::AppRead]) },
    ] {
        assert_eq!(refused(create(&oubli, &call, bad).await), Code::InvalidBody);
    }
    let nowhere = Call::system(AppId::new("nowhere").unwrap());
    assert_eq!(refused(made(&oubli, &nowhere, &[Scope::AppRead]).await), Code::AppNotFound);
    assert_eq!(refused(list(&oubli, &nowhere.caller, None, 10).await), Code::AppNotFound);
}

#[tokio::test]
async fn a_revoked_client_stays_revoked() {
    let (_dir, oubli, clock) = testing::oubli().await;
    let call = Call::system(testing::app(&oubli, "shop").await);
    let client = made(&oubli, &call, &[Scope::AppRead]).await.unwrap().client;
    let at = oubli.now();
    revoke(&oubli, &call, &client).await.unwrap();
    clock.advance(60);
    revoke(&oubli, &call, &client).await.unwrap();
    assert_eq!(get(&oubli, &call.caller, &client).await.unwrap().revoked_at, Some(at));
    assert_eq!(refused(rotate_secret(&oubli, &call, &client, 0).await), Code::ClientRevoked);
}

#[tokio::test]
async fn another_apps_client_is_not_found() {
    let (_dir, oubli, _) = testing::oubli().await;
    let shop = Call::system(testing::app(&oubli, "shop").await);
    let other = Call::system(testing::app(&oubli, "other").await);
    let foreign = made(&oubli, &other, &[Scope::AppRead]).await.unwrap().client;
    let unknown = ClientId::fresh(&shop.caller.app, oubli.now());
    for id in [&foreign, &unknown] {
        assert_eq!(refused(get(&oubli, &shop.caller, id).await), Code::ClientNotFound);
        assert_eq!(refused(revoke(&oubli, &shop, id).await), Code::ClientNotFound);
        assert_eq!(refused(rotate_secret(&oubli, &shop, id, 0).await), Code::ClientNotFound);
    }
    assert_eq!(get(&oubli, &other.caller, &foreign).await.unwrap().revoked_at, None);
    assert!(list(&oubli, &shop.caller, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn lists_go_by_age() {
    let (_dir, oubli, clock) = testing::oubli().await;
    let call = Call::system(testing::app(&oubli, "shop").await);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(made(&oubli, &call, &[Scope::AppRead]).await.unwrap().client);
        clock.advance(1);
    }
    let first = list(&oubli, &call.caller, None, 2).await.unwrap();
    let rest = list(&oubli, &call.caller, Some(&ids[1]), 2).await.unwrap();
    let listed: Vec<_> = first.into_iter().chain(rest).map(|client| client.client).collect();
    assert_eq!(listed, ids);
}
