//! Data maps.

use anyhow::Context;
use oubli_domain::AppId;
use oubli_store::{Result, StoreError, Tx, data_maps};

use crate::common::{NOON, app, both_engines, write};

const DIGEST: [u8; 32] = [9; 32];

async fn put(tx: &mut Tx, app: &AppId, version: i64) -> Result<()> {
    let document = format!(r#"{{"version":{version},"name":"é"}}"#);
    data_maps::insert(tx, app, version, &document, &DIGEST, NOON, "usr_1").await
}

both_engines! {
    async fn versions_read_back_and_are_never_replaced(stores: Stores) {
        let shop = app("shop")?;
        for version in [1, 2, 10] {
            write!(stores.data, [shop], |tx| put(tx, &shop, version).await)?;
        }
        let mut conn = stores.data.conn().await?;
        let second = data_maps::get(&mut conn, &shop, 2).await?.context("version 2")?;
        assert_eq!(second.version, 2);
        assert_eq!(second.document, r#"{"version":2,"name":"é"}"#);
        assert_eq!(second.digest, DIGEST);
        assert_eq!((second.created_at, second.created_by.as_str()), (NOON, "usr_1"));
        assert_eq!(data_maps::get(&mut conn, &shop, 3).await?, None);
        assert_eq!(data_maps::get(&mut conn, &app("other")?, 2).await?, None);
        let again = write!(stores.data, [shop], |tx| put(tx, &shop, 2).await);
        assert!(matches!(again, Err(StoreError::Duplicate { .. })), "{again:?}");
    }
}
