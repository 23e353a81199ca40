//! `oubli migrate`.

use std::process::ExitCode;

use oubli_store::{Db, Schema, migrate};

use crate::boot;
use crate::cli::Migrate;

/// Applies, lists or prints the migrations of both databases.
pub(super) async fn run(command: Migrate) -> anyhow::Result<ExitCode> {
    let storage = &command.config.storage;
    let only_looks = command.dry_run || command.status;
    if only_looks && storage.is_embedded() && !storage.data_dir.exists() {
        println!("There is no database yet: SQLite is made and migrated at the first start.");
        return Ok(ExitCode::SUCCESS);
    }
    storage.make_data_dir()?;
    let (data, keys) = storage.locations()?;
    let mut pending = Vec::new();
    for (schema, location) in [(Schema::Keys, keys), (Schema::Data, data)] {
        let db = Db::open_for_migration(schema, &location).await?;
        for step in migrate::status(&db).await? {
            let name = format!("{}: {:04} {}", schema.as_str(), step.version, step.description);
            match step.applied {
                true => println!("{name}: applied"),
                false if command.dry_run => println!("-- {name}\n{}", step.sql),
                false if command.status => println!("{name}: pending"),
                false => pending.push(name),
            }
        }
        db.close().await;
    }
    if !only_looks {
        boot::migrate(storage).await?;
        for name in &pending {
            println!("{name}: now applied");
        }
    }
    Ok(ExitCode::SUCCESS)
}
