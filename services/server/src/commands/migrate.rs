//! `oubli migrate`.

use std::process::ExitCode;

use oubli_store::migrate::{self, Step};
use oubli_store::{Db, Location, Schema};

use crate::boot;
use crate::cli::Migrate;

/// Applies, lists or prints the migrations of both databases.
pub(super) async fn run(command: Migrate) -> anyhow::Result<ExitCode> {
    let storage = &command.config.storage;
    let looks = command.dry_run || command.status;
    if !looks {
        storage.make_data_dir()?;
    }
    let (data, keys) = storage.locations()?;
    let mut pending = Vec::new();
    for (schema, location) in [(Schema::Keys, keys), (Schema::Data, data)] {
        for step in steps(schema, &location).await? {
            let name = format!("{}: {:04} {}", schema.as_str(), step.version, step.description);
            match step.applied {
                true => println!("{name}: applied"),
                false if command.dry_run => println!("-- {name}\n{}", step.sql),
                false if command.status => println!("{name}: pending"),
                false => pending.push(name),
            }
        }
    }
    if !looks {
        boot::migrate(storage).await?;
        for name in &pending {
            println!("{name}: now applied");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The migrations of a database. A SQLite file that is not there is not made by looking.
async fn steps(schema: Schema, location: &Location) -> anyhow::Result<Vec<Step>> {
    if matches!(location, Location::Sqlite(file) if !file.exists()) {
        return Ok(migrate::planned(schema, location)?);
    }
    let db = Db::open_for_migration(schema, location).await?;
    let steps = migrate::status(&db).await;
    db.close().await;
    Ok(steps?)
}
