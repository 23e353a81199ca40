//! `oubli migrate`.

use std::process::ExitCode;

use oubli_store::{Db, Schema, migrate};

use crate::cli::Migrate;

/// Applies, lists or prints the migrations of both databases.
pub(super) async fn run(command: Migrate) -> anyhow::Result<ExitCode> {
    let storage = &command.config.storage;
    let (data, keys) = storage.locations()?;
    if !command.dry_run && !command.status {
        storage.make_data_dir()?;
    }
    // Keys first: `keys` must never be older than `data`.
    for (schema, location) in [(Schema::Keys, keys), (Schema::Data, data)] {
        let db = Db::open_for_migration(schema, &location).await?;
        let steps = migrate::status(&db).await?;
        for step in &steps {
            let name = format!("{}: {:04} {}", schema.as_str(), step.version, step.description);
            match (step.applied, command.dry_run) {
                (true, _) => println!("{name}: applied"),
                (false, true) => println!("-- {name}\n{}", step.sql),
                (false, false) if command.status => println!("{name}: pending"),
                (false, false) => {}
            }
        }
        if !command.dry_run && !command.status {
            migrate::apply(&db).await?;
            for step in steps.iter().filter(|step| !step.applied) {
                println!(
                    "{}: {:04} {}: now applied",
                    schema.as_str(),
                    step.version,
                    step.description
                );
            }
        }
        db.close().await;
    }
    Ok(ExitCode::SUCCESS)
}
