//! Fresh databases of either engine for one test, and short forms of what most tests do.

use anyhow::Context;
use futures_util::future::BoxFuture;
use oubli_domain::{AppId, Time};
use oubli_store::apps::{self, NewApp};
use oubli_store::{Db, Location, Result, Schema, Tx, migrate};
use oubli_test_postgres::{TestDatabase, create_database};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Midday of 2026-03-05; tests count from here.
pub(crate) const NOON: Time = Time(1_772_712_000_000_000);

/// Runs each test once on SQLite and once on PostgreSQL, with databases of its own.
macro_rules! both_engines {
    ($($(#[doc = $doc:literal])* async fn $name:ident($stores:ident: Stores) $body:block)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() -> anyhow::Result<()> {
                super::$name($crate::common::Stores::sqlite().await?).await
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() -> anyhow::Result<()> {
                super::$name($crate::common::Stores::postgres().await?).await
            })*
        }
        $($(#[doc = $doc])*
        async fn $name($stores: $crate::common::Stores) -> anyhow::Result<()> {
            $body
            Ok(())
        })*
    };
}
pub(crate) use both_engines;

/// Where the databases of one test are. They go when this is dropped.
pub(crate) enum Place {
    Folder(TempDir),
    Server(Box<Databases>),
}

/// Made when they are first asked for: most tests need only one.
#[derive(Default)]
pub(crate) struct Databases {
    data: OnceCell<TestDatabase>,
    keys: OnceCell<TestDatabase>,
}

impl Place {
    pub(crate) fn sqlite() -> anyhow::Result<Self> {
        Ok(Self::Folder(tempfile::tempdir()?))
    }

    pub(crate) fn postgres() -> Self {
        Self::Server(Box::default())
    }

    pub(crate) async fn location(&self, schema: Schema) -> anyhow::Result<Location> {
        let cell = match (self, schema) {
            (Self::Folder(folder), _) => {
                let file = folder.path().join(format!("{}.db", schema.as_str()));
                return Ok(Location::Sqlite(file));
            }
            (Self::Server(databases), Schema::Data) => &databases.data,
            (Self::Server(databases), Schema::Keys) => &databases.keys,
        };
        let database = cell.get_or_try_init(|| create_database("store")).await?;
        Ok(Location::Postgres(database.url().to_owned()))
    }

    /// Applies every migration and opens the database.
    pub(crate) async fn open(&self, schema: Schema) -> anyhow::Result<Db> {
        let at = self.location(schema).await?;
        let migrating = Db::open_for_migration(schema, &at).await?;
        migrate::apply(&migrating).await?;
        migrating.close().await;
        Ok(Db::open(schema, &at, 8).await?)
    }
}

/// The databases of one test, `data` migrated and open.
pub(crate) struct Stores {
    pub(crate) data: Db,
    // Last, so that the databases go after the connections to them.
    pub(crate) place: Place,
}

impl Stores {
    pub(crate) async fn sqlite() -> anyhow::Result<Self> {
        Self::at(Place::sqlite()?).await
    }

    pub(crate) async fn postgres() -> anyhow::Result<Self> {
        Self::at(Place::postgres()).await
    }

    async fn at(place: Place) -> anyhow::Result<Self> {
        Ok(Self { data: place.open(Schema::Data).await?, place })
    }

    /// The `keys` database, migrated and open.
    pub(crate) async fn keys(&self) -> anyhow::Result<Db> {
        self.place.open(Schema::Keys).await
    }

    /// The `data` database as another process would open it.
    pub(crate) async fn data_again(&self) -> anyhow::Result<Db> {
        Ok(Db::open(Schema::Data, &self.place.location(Schema::Data).await?, 8).await?)
    }
}

/// A write transaction on `$db`: `write!(db, |tx| call(tx, …))`. What the body names is cloned in,
/// since the body may run more than once.
macro_rules! write {
    ($db:expr, [$($owned:ident),*], |$tx:ident| $body:expr) => {{
        $(let $owned = $owned.clone();)*
        $db.write("test", move |$tx: &mut oubli_store::Tx| {
            $(let $owned = $owned.clone();)*
            Box::pin(async move { $body })
        })
        .await
    }};
}
pub(crate) use write;

pub(crate) fn app(name: &str) -> anyhow::Result<AppId> {
    AppId::new(name).ok().context("not an app name")
}

pub(crate) fn new_app(app: &AppId) -> NewApp {
    NewApp {
        app: app.clone(),
        title: "Shop".to_owned(),
        settings_json: "{}".to_owned(),
        created_at: NOON,
    }
}

/// Registers an app in the transaction, boxed for use as a whole transaction.
pub(crate) fn insert_app(tx: &mut Tx, app: AppId) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move { apps::insert(tx, &new_app(&app)).await })
}
