//! Migrations that are killed in the middle.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::process::Stdio;

use oubli_store::{Schema, testing};
use oubli_tests::{Engine, both_engines};

use super::{Place, reached};
use crate::processes::installation::{Installation, open_shop};

/// The statements of a migration are done and its number is about to be kept.
const PLACES: [Place; 3] = [
    Place {
        schema: Schema::Keys,
        event: "insert",
        table: "_sqlx_migrations",
        when: "new.version = 8",
    },
    Place {
        schema: Schema::Data,
        event: "insert",
        table: "_sqlx_migrations",
        when: "new.version = 3",
    },
    Place {
        schema: Schema::Data,
        event: "insert",
        table: "_sqlx_migrations",
        when: "new.version = 9",
    },
];

/// An installation that an older binary made.
async fn old(engine: Engine) -> Installation {
    let own = Installation::untouched(engine).await;
    fs::DirBuilder::new().mode(0o700).create(own.path("data")).unwrap();
    for schema in [Schema::Data, Schema::Keys] {
        testing::migrate_until(schema, &own.location(schema), 2).await.unwrap();
    }
    own
}

/// The lines of `oubli migrate --status` that say `applied`.
async fn applied(own: &Installation) -> Vec<String> {
    let status = own.run(&["migrate", "--status"]).await.succeeds().stdout;
    status.lines().filter(|line| line.ends_with(": applied")).map(str::to_owned).collect()
}

both_engines! {
    async fn a_killed_migration_leaves_the_old_schema_or_the_new(engine: Engine) {
        let own = old(engine).await;
        assert_eq!(applied(&own).await.len(), 2);
        for place in &PLACES {
            let mut stop = place.stop(&own).await;
            let mut command = own.command(&["migrate"]);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            reached(&mut stop, place).await;
            child.kill().await.unwrap();
            stop.lift().await.unwrap();
            // What was being applied is not there.
            let version = place.when.rsplit(' ').next().unwrap();
            let line = format!("{}: {:04} ", place.schema.as_str(), version.parse::<u32>().unwrap());
            let applied = applied(&own).await;
            assert!(!applied.iter().any(|found| found.starts_with(&line)), "{applied:?}");
            if engine == Engine::Postgres {
                own.run(&["app", "list"]).await.fails_saying(&["run `oubli migrate`"]);
            }
        }
        // Whatever had stayed of a statement would be there twice now.
        own.run(&["migrate"]).await.succeeds();
        let status = own.run(&["migrate", "--status"]).await.succeeds().stdout;
        assert!(status.lines().all(|line| line.ends_with(": applied")), "{status}");
        let client = own.shop().await;
        let process = own.start("all").await;
        open_shop(&process, &client).await.subject("ada@example.org").await;
        process.stop().await;
    }
}
