//! Several processes on one embedded folder: one service, and the commands beside it.

use oubli_tests::Engine;
use serde_json::json;

use super::import;
use super::installation::{Installation, open_shop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_service_is_told_who_holds_the_folder_until_it_dies() {
    let own = Installation::new(Engine::Sqlite).await;
    let client = own.shop().await;
    let first = own.start("all").await;
    let shop = open_shop(&first, &client).await;
    let ada = shop.subject("ada@example.org").await;
    for role in ["all", "serve", "worker"] {
        let holder = format!("(process {})", first.id());
        own.run(&[role, "--bind", "127.0.0.1:0"]).await.fails_saying(&["another oubli", &holder]);
        // The first one did not notice.
        shop.grant(&ada).await.expect_status(201);
    }
    first.kill().await;
    // Nobody has to clean up after it.
    let second = own.start("all").await;
    let shop = shop.at(&second.url);
    assert_eq!(shop.check(&ada).await.expect_status(200).body["permitted"], true);
    let holder = format!("(process {})", second.id());
    own.run(&["all", "--bind", "127.0.0.1:0"]).await.fails_saying(&[&holder]);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_work_beside_a_service() {
    let own = Installation::new(Engine::Sqlite).await;
    let client = own.shop().await;
    let process = own.start("all").await;
    let shop = open_shop(&process, &client).await;
    let ada = shop.subject("ada@example.org").await;
    import::write(&own, "people.ndjson", import::text(&import::person(1)));
    let commands: [&[&str]; 12] = [
        &["app", "create", "market"],
        &["app", "list"],
        &["client", "create", "--app", "shop", "--title", "second"],
        &["user", "list"],
        &["migrate", "--status"],
        &["migrate"],
        &["import", "--app", "shop", "people.ndjson"],
        &["export", "--app", "shop", "shop.ndjson"],
        &["keys", "status"],
        &["keys", "rotate"],
        &["keys", "reindex"],
        &["keys", "retire", "--grace", "0s", "--yes"],
    ];
    for (n, command) in commands.iter().enumerate() {
        own.run(command).await.succeeds();
        let path = format!("/subjects/{ada}/records/profile/main");
        let put = shop.put(&path, &json!({ "city": n.to_string() })).await;
        assert!([200, 201].contains(&put.status), "after {command:?}: {}", put.body);
        assert_eq!(put.body["version"], n + 1, "after {command:?}");
    }
    shop.erase(&ada).await;
    process.stop().await;
}
