//! Apps.

use anyhow::Context;
use oubli_store::{StoreError, apps};

use crate::common::{NOON, app, both_engines, new_app, write};

both_engines! {
    async fn an_app_reads_back(stores: Stores) {
        let shop = app("shop")?;
        let new = new_app(&shop);
        assert!(!apps::any(&mut stores.data.conn().await?).await?);
        write!(stores.data, [new], |tx| apps::insert(tx, &new).await)?;
        let mut conn = stores.data.conn().await?;
        let stored = apps::get(&mut conn, &shop).await?.context("the app")?;
        assert_eq!(stored.app, shop);
        assert_eq!(stored.title, new.title);
        assert_eq!(stored.settings_json, new.settings_json);
        assert_eq!(stored.data_map_version, 0);
        assert_eq!(stored.created_at, NOON);
        assert!(apps::any(&mut conn).await?);
        assert_eq!(apps::get(&mut conn, &app("other")?).await?, None);
    }

    async fn a_name_is_taken_once(stores: Stores) {
        let new = new_app(&app("shop")?);
        write!(stores.data, [new], |tx| apps::insert(tx, &new).await)?;
        let again = write!(stores.data, [new], |tx| apps::insert(tx, &new).await);
        assert!(matches!(again, Err(StoreError::Duplicate { .. })), "{again:?}");
    }

    async fn apps_are_listed_by_name_page_by_page(stores: Stores) {
        for name in ["c", "a", "b"] {
            let new = new_app(&app(name)?);
            write!(stores.data, [new], |tx| apps::insert(tx, &new).await)?;
        }
        let mut conn = stores.data.conn().await?;
        let first = apps::list(&mut conn, None, 2).await?;
        let names: Vec<_> = first.iter().map(|app| app.app.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let rest = apps::list(&mut conn, Some(&first[1].app), 2).await?;
        let names: Vec<_> = rest.iter().map(|app| app.app.as_str()).collect();
        assert_eq!(names, ["c"]);
    }

    async fn settings_are_replaced_for_an_app_that_is_there(stores: Stores) {
        let (shop, other) = (app("shop")?, app("other")?);
        let new = new_app(&shop);
        write!(stores.data, [new], |tx| apps::insert(tx, &new).await)?;
        write!(stores.data, [shop], |tx| apps::set_settings(tx, &shop, r#"{"a":1}"#).await)?;
        let stored = apps::get(&mut stores.data.conn().await?, &shop).await?.context("the app")?;
        assert_eq!(stored.settings_json, r#"{"a":1}"#);
        let none = write!(stores.data, [other], |tx| apps::set_settings(tx, &other, "{}").await);
        assert!(matches!(none, Err(StoreError::RowCount { actual: 0, .. })), "{none:?}");
    }

    async fn a_data_map_is_put_in_force_only_over_the_version_that_was_seen(stores: Stores) {
        let shop = app("shop")?;
        let new = new_app(&shop);
        write!(stores.data, [new], |tx| apps::insert(tx, &new).await)?;
        write!(stores.data, [shop], |tx| apps::set_data_map_version(tx, &shop, 0, 1).await)?;
        let late =
            write!(stores.data, [shop], |tx| apps::set_data_map_version(tx, &shop, 0, 2).await);
        assert!(matches!(late, Err(StoreError::RowCount { actual: 0, .. })), "{late:?}");
        let stored = apps::get(&mut stores.data.conn().await?, &shop).await?.context("the app")?;
        assert_eq!(stored.data_map_version, 1);
    }
}
