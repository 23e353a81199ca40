//! Databases that are looked at only.

use oubli_store::doctor;
use oubli_store::{Db, Result, Schema, StoreError, apps, migrate};
use sqlx::{Connection, SqliteConnection};

use crate::common::{Place, app, both_engines, insert_app, write};

async fn names(db: &Db) -> Result<Vec<String>> {
    let listed = apps::list(&mut db.conn().await?, None, 10).await?;
    Ok(listed.into_iter().map(|app| app.app.as_str().to_owned()).collect())
}

both_engines! {
    async fn what_is_looked_at_is_seen_and_not_written(stores: Stores) {
        let (one, two) = (app("one")?, app("two")?);
        write!(stores.data, [one], |tx| insert_app(tx, one).await)?;
        let at = stores.place.location(Schema::Data).await?;
        let look = Db::open_to_look(Schema::Data, &at).await?;
        assert_eq!(names(&look).await?, ["one"], "also what is only in the log");
        assert!(migrate::status(&look).await?.iter().all(|step| step.applied));
        assert!(write!(look, [two], |tx| insert_app(tx, two).await).is_err());
        assert!(migrate::apply(&look).await.is_err());
        if look.engine_name() == "sqlite" {
            let refused = look.truncate_log().await;
            assert!(matches!(refused, Err(StoreError::LookOnly)), "{refused:?}");
        }
        look.close().await;
        assert_eq!(names(&stores.data).await?, ["one"]);
    }
}

#[tokio::test]
async fn looking_makes_no_file_and_changes_no_mode() -> anyhow::Result<()> {
    let place = Place::sqlite()?;
    let at = place.location(Schema::Data).await?;
    let oubli_store::Location::Sqlite(file) = &at else { anyhow::bail!("not a file") };
    assert!(Db::open_to_look(Schema::Data, &at).await.is_err());
    assert!(!file.exists());
    place.open(Schema::Data).await?.close().await;
    let mut conn = SqliteConnection::connect(&file.to_string_lossy()).await?;
    sqlx::query("pragma journal_mode = delete").execute(&mut conn).await?;
    conn.close().await?;
    let before = std::fs::read(file)?;
    let look = Db::open_to_look(Schema::Data, &at).await?;
    let settings = doctor::settings(&mut look.conn().await?).await?;
    assert_eq!(settings["journal_mode"], "delete");
    look.close().await;
    assert_eq!(std::fs::read(file)?, before);
    Ok(())
}
