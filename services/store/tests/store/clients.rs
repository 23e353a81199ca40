//! Clients.

use anyhow::Context;
use oubli_domain::scope::{Scope, Scopes};
use oubli_domain::{AppId, ClientId};
use oubli_store::clients::{self, NewClient};
use oubli_store::{StoreError, Tx};

use crate::common::{NOON, app, both_engines, write};

fn new_client(app: &AppId) -> NewClient {
    NewClient {
        client: ClientId::fresh(app, NOON),
        app: app.clone(),
        title: "Checkout".to_owned(),
        scopes: [Scope::RecordsRead, Scope::ConsentsWrite].into_iter().collect(),
        secret_mac: vec![0, 1, 255],
        created_at: NOON,
    }
}

/// Revokes at `NOON` plus `after` seconds.
async fn revoke(tx: &mut Tx, new: &NewClient, after: i64) -> oubli_store::Result<bool> {
    clients::revoke(tx, &new.app, &new.client, NOON.plus_seconds(after)).await
}

both_engines! {
    async fn a_client_reads_back_within_its_app_only(stores: Stores) {
        let new = new_client(&app("shop")?);
        write!(stores.data, [new], |tx| clients::insert(tx, &new).await)?;
        let mut conn = stores.data.conn().await?;
        let stored = clients::get(&mut conn, &new.app, &new.client).await?.context("the client")?;
        assert_eq!(stored.client, new.client);
        assert_eq!(stored.app, new.app);
        assert_eq!(stored.title, new.title);
        assert_eq!(stored.scopes, Scopes::parse("records:read consents:write").ok().context("")?);
        assert_eq!(stored.secret_mac, new.secret_mac);
        assert_eq!((stored.rotated_at, stored.revoked_at), (None, None));
        assert_eq!(clients::get(&mut conn, &app("other")?, &new.client).await?, None);
        let again = write!(stores.data, [new], |tx| clients::insert(tx, &new).await);
        assert!(matches!(again, Err(StoreError::Duplicate { .. })), "{again:?}");
    }

    async fn a_new_secret_replaces_the_old_one(stores: Stores) {
        let new = new_client(&app("shop")?);
        write!(stores.data, [new], |tx| clients::insert(tx, &new).await)?;
        let at = NOON.plus_seconds(1);
        write!(stores.data, [new], |tx| {
            clients::set_secret(tx, &new.app, &new.client, &[7], at, None).await
        })?;
        let mut conn = stores.data.conn().await?;
        let stored = clients::get(&mut conn, &new.app, &new.client).await?.context("the client")?;
        assert_eq!((stored.secret_mac, stored.rotated_at), (vec![7], Some(at)));
    }

    async fn a_client_is_revoked_once_and_then_gets_no_secret(stores: Stores) {
        let new = new_client(&app("shop")?);
        write!(stores.data, [new], |tx| clients::insert(tx, &new).await)?;
        assert!(write!(stores.data, [new], |tx| revoke(tx, &new, 1).await)?);
        assert!(!write!(stores.data, [new], |tx| revoke(tx, &new, 2).await)?);
        let mut conn = stores.data.conn().await?;
        let stored = clients::get(&mut conn, &new.app, &new.client).await?.context("the client")?;
        assert_eq!(stored.revoked_at, Some(NOON.plus_seconds(1)));
        let secret = write!(stores.data, [new], |tx| {
            clients::set_secret(tx, &new.app, &new.client, &[7], NOON, None).await
        });
        assert!(matches!(secret, Err(StoreError::RowCount { actual: 0, .. })), "{secret:?}");
    }

    async fn clients_are_listed_for_one_app_page_by_page(stores: Stores) {
        let (shop, other) = (app("shop")?, app("other")?);
        let mut expected = Vec::new();
        for owner in [&shop, &shop, &shop, &other] {
            let new = new_client(owner);
            write!(stores.data, [new], |tx| clients::insert(tx, &new).await)?;
            expected.push(new.client);
        }
        expected.pop();
        expected.sort();
        let mut conn = stores.data.conn().await?;
        let mut listed = clients::list(&mut conn, &shop, None, 2).await?;
        assert_eq!(listed.len(), 2);
        listed.extend(clients::list(&mut conn, &shop, Some(&expected[1]), 2).await?);
        let listed: Vec<_> = listed.into_iter().map(|client| client.client).collect();
        assert_eq!(listed, expected);
    }
}
