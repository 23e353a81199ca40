//! The folder of the embedded databases is read-only, or becomes so under a running service.

use oubli_tests::{Engine, Reply};
use serde_json::json;

use super::disk::Disk;
use super::full::goes_on_answering;
use crate::processes::installation::{Installation, customer, open_shop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_folder_is_refused_at_the_start() {
    let own = Installation::untouched(Engine::Sqlite).await;
    let Some(disk) = Disk::of_memory(&own.path("data"), 24, "") else { return };
    let client = own.shop().await;
    let before = own.database_files();
    disk.close();
    for role in ["all", "serve", "worker"] {
        let ended = own.run(&[role, "--bind", "127.0.0.1:0"]).await;
        ended.fails_saying(&["cannot write the data folder", "Read-only file system"]);
    }
    for command in [&["app", "list"][..], &["migrate"], &["keys", "rotate"]] {
        own.run(command).await.fails_saying(&["cannot write", "Read-only file system"]);
    }
    assert_eq!(own.database_files(), before);
    disk.open();
    let process = own.start("all").await;
    open_shop(&process, &client).await;
    process.stop().await;
}

/// One of the two that say so: the first write meets the fault itself.
fn is_refused(reply: &Reply) {
    let kind = reply.text("/type");
    let expected = ["/problems/read-only", "/problems/unavailable"];
    assert!(reply.status == 503 && expected.contains(&kind.as_str()), "{}", reply.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_keeps_what_was_acknowledged() {
    let own = Installation::untouched(Engine::Sqlite).await;
    let Some(disk) = Disk::of_file(&own.path("data"), &own.path("disk"), 48) else { return };
    let client = own.shop().await;
    let process = own.start("all").await;
    let shop = open_shop(&process, &client).await;
    let ada = customer(&shop, "ada@example.org").await;
    let place = format!("/subjects/{ada}/records/profile/main");
    shop.put(&place, &json!({ "name": "kept" })).await.expect_status(201);
    disk.fail();
    for _ in 0..3 {
        is_refused(&shop.put(&place, &json!({ "name": "refused" })).await);
        is_refused(&shop.withdraw(&ada).await);
    }
    shop.put(&place, &json!({ "name": "refused" })).await.expect_problem(503, "read-only");
    goes_on_answering(&shop, &ada).await;
    process.kill().await;
    disk.mend();
    let process = own.start("all").await;
    let shop = shop.at(&process.url);
    let read = shop.get(&format!("{place}?purpose=delivery")).await.expect_status(200);
    assert_eq!(read.body["body"]["name"], "kept");
    assert_eq!(shop.check(&ada).await.expect_status(200).body["permitted"], true);
    shop.put(&place, &json!({ "name": "new" })).await.expect_status(200);
    process.stop().await;
}
