//! The schema: the same on both engines, ready for erasures and for shards by app.

use std::collections::{BTreeMap, BTreeSet};

use oubli_store::Schema;
use oubli_store::app_tables::{self, APP_KEY_TABLES, SUBJECT_KEY_TABLES};
use oubli_store::erasure::{DATA_TABLES, KEY_TABLES, UNLINKED_TABLES};
use oubli_store::schema_list::{KEPT_OF_APP, WITHOUT_APP, WITHOUT_SUBJECT};

use crate::catalog::{Table, tables};
use crate::common::{Place, both_engines};

const BOTH: [Schema; 2] = [Schema::Data, Schema::Keys];

/// Every table of both databases, by database and name.
type Tables = BTreeMap<(&'static str, String), Table>;

async fn all_tables(place: &Place) -> anyhow::Result<Tables> {
    let mut all = BTreeMap::new();
    for schema in BOTH {
        place.open(schema).await?.close().await;
        let found = tables(&place.location(schema).await?).await?;
        all.extend(found.into_iter().map(|(name, table)| ((schema.as_str(), name), table)));
    }
    Ok(all)
}

/// The tables that an erasure deletes from or unlinks.
fn with_subject() -> BTreeSet<(&'static str, String)> {
    let data = DATA_TABLES.iter().chain(UNLINKED_TABLES).map(|table| ("data", table));
    let keys = KEY_TABLES.iter().map(|table| ("keys", table));
    data.chain(keys).map(|(schema, table)| (schema, table.name.to_owned())).collect()
}

/// The tables that the deletion of an app deletes from.
fn with_app() -> BTreeSet<(&'static str, String)> {
    let data = app_tables::DATA_TABLES.iter().map(|table| ("data", table));
    let keys = SUBJECT_KEY_TABLES.iter().chain(APP_KEY_TABLES).map(|table| ("keys", table));
    data.chain(keys).map(|(schema, table)| (schema, table.name.to_owned())).collect()
}

fn listed(list: &[(Schema, &str, &str)]) -> BTreeSet<(&'static str, String)> {
    assert!(list.iter().all(|(_, _, reason)| !reason.is_empty()));
    list.iter().map(|(schema, table, _)| (schema.as_str(), (*table).to_owned())).collect()
}

/// The names of the tables for which `test` holds.
fn those(tables: &Tables, test: impl Fn(&Table) -> bool) -> BTreeSet<(&'static str, String)> {
    tables.iter().filter(|(_, table)| test(table)).map(|(name, _)| name.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_have_the_same_tables() -> anyhow::Result<()> {
    let (lite, pg) = (Place::sqlite()?, Place::postgres());
    let (lite, pg) = (all_tables(&lite).await?, all_tables(&pg).await?);
    assert_eq!(lite.keys().collect::<Vec<_>>(), pg.keys().collect::<Vec<_>>());
    for (name, table) in &lite {
        assert_eq!(Some(table), pg.get(name), "{name:?}");
    }
    Ok(())
}

both_engines! {
    async fn an_erasure_knows_every_table_with_a_subject(stores: Stores) {
        let tables = all_tables(&stores.place).await?;
        assert_eq!(those(&tables, |table| table.has("subject_id")), with_subject());
        assert_eq!(those(&tables, |table| !table.has("subject_id")), listed(WITHOUT_SUBJECT));
    }

    async fn the_deletion_of_an_app_knows_every_table_with_an_app(stores: Stores) {
        let tables = all_tables(&stores.place).await?;
        let (deleted, kept) = (with_app(), listed(KEPT_OF_APP));
        assert!(deleted.is_disjoint(&kept));
        let known: BTreeSet<_> = deleted.union(&kept).cloned().collect();
        assert_eq!(those(&tables, |table| table.has("app_id")), known);
        assert_eq!(those(&tables, |table| !table.has("app_id")), listed(WITHOUT_APP));
    }

    async fn every_subject_column_is_led_by_an_index(stores: Stores) {
        let tables = all_tables(&stores.place).await?;
        let led = those(&tables, |table| table.is_led_by(&["app_id", "subject_id"]));
        assert_eq!(led, with_subject());
    }

    async fn every_primary_key_begins_with_the_app(stores: Stores) {
        let tables = all_tables(&stores.place).await?;
        let apart = those(&tables, |t| t.primary_key.first().is_none_or(|c| c != "app_id"));
        assert_eq!(apart, listed(WITHOUT_APP));
        assert!(tables.values().all(|table| !table.primary_key.is_empty()));
    }

    /// SQLite allows NULL in a primary key unless a column says otherwise.
    async fn no_primary_key_may_be_null(stores: Stores) {
        for (name, table) in all_tables(&stores.place).await? {
            let nullable = table.columns.iter().filter(|c| c.nullable).map(|c| c.name.clone());
            let nullable: Vec<_> = nullable.filter(|c| table.primary_key.contains(c)).collect();
            assert_eq!(nullable, [""; 0], "{name:?}");
        }
    }
}
