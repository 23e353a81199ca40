//! `oubli migrate`, and schemas that do not fit.

use oubli_store::{Schema, testing};
use oubli_tests::{Engine, both_engines};

use super::installation::{Installation, open_shop};

both_engines! {
    async fn migrations_are_listed_shown_and_applied_once(engine: Engine) {
        let own = Installation::untouched(engine).await;
        let status = || own.run(&["migrate", "--status"]);
        let before = status().await.succeeds().stdout;
        let steps = before.lines().count();
        assert!(steps >= 2 && before.lines().all(|line| line.ends_with(": pending")), "{before}");
        let shown = own.run(&["migrate", "--dry-run"]).await.succeeds().stdout.to_lowercase();
        assert!(shown.contains("create table subjects") && shown.contains("subject_keys"), "{shown}");
        assert_eq!(status().await.succeeds().stdout, before, "a dry run changes nothing");
        assert!(!own.path("data").exists(), "looking makes no files");

        let applied = own.run(&["migrate"]).await.succeeds().stdout;
        assert_eq!(applied.matches(": now applied").count(), steps, "{applied}");
        let again = own.run(&["migrate"]).await.succeeds().stdout;
        assert_eq!(again.matches(": now applied").count(), 0, "{again}");
        let after = status().await.succeeds().stdout;
        assert!(after.lines().all(|line| line.ends_with(": applied")), "{after}");
        assert_eq!(after.lines().count(), steps);
        assert_eq!(own.run(&["migrate", "--dry-run"]).await.succeeds().stdout, after);
        own.run(&["migrate", "--status", "--dry-run"]).await.code.filter(|code| *code != 0).unwrap();

        let client = own.shop().await;
        let process = own.start("all").await;
        open_shop(&process, &client).await;
        process.stop().await;
    }

    async fn a_newer_schema_is_refused(engine: Engine) {
        for newer in [Schema::Data, Schema::Keys] {
            let own = Installation::new(engine).await;
            own.shop().await;
            testing::add_unknown_migration(&own.location(newer)).await.unwrap();
            let (files, key) = (own.database_files(), std::fs::read(own.root_key()).unwrap());
            for arguments in
                [&["all", "--bind", "127.0.0.1:0"][..], &["app", "list"], &["migrate"],
                    &["migrate", "--status"]]
            {
                own.run(arguments).await.fails_saying(&["9999", "newer"]);
            }
            assert_eq!(own.database_files(), files);
            assert_eq!(std::fs::read(own.root_key()).unwrap(), key);
        }
    }
}

#[tokio::test]
async fn postgres_is_migrated_by_its_command_alone() {
    let own = Installation::untouched(Engine::Postgres).await;
    for arguments in [&["all", "--bind", "127.0.0.1:0"][..], &["app", "create", "shop"]] {
        own.run(arguments).await.fails_saying(&["run `oubli migrate`"]);
    }
    let status = own.run(&["migrate", "--status"]).await.succeeds().stdout;
    assert!(status.lines().all(|line| line.ends_with(": pending")), "{status}");
    assert!(!own.root_key().exists());
    own.run(&["migrate"]).await.succeeds();
    own.start("all").await.stop().await;
}
