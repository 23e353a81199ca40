//! `oubli export` and `oubli import` on full disks.

use std::fs;

use oubli_tests::Engine;
use serde_json::Value;

use super::disk::Disk;
use crate::processes::import::{self, content, counts, person, text, write};
use crate::processes::installation::{Ended, Installation, open_shop};

/// How many people are imported.
const PEOPLE: usize = 40;

fn lines(people: usize) -> Vec<Value> {
    (0..people).flat_map(person).collect()
}

/// The names in a folder.
fn names(own: &Installation, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(own.path(folder)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_without_room_leaves_no_file() {
    let own = import::shop(Engine::Sqlite).await;
    let Some(disk) = Disk::of_memory(&own.path("small"), 1, "") else { return };
    write(&own, "people.ndjson", text(&lines(20)));
    own.run(&["import", "--app", "shop", "people.ndjson"]).await.succeeds();
    disk.fill();
    let export = ["export", "--app", "shop", "small/shop.ndjson"];
    own.run(&export).await.fails_saying(&["the export cannot be written", "No space left"]);
    assert_eq!(names(&own, "small"), ["filler"]);
    disk.free();
    own.run(&export).await.succeeds();
    assert_eq!(names(&own, "small"), ["shop.ndjson"]);
    let written = fs::read_to_string(own.path("small/shop.ndjson")).unwrap();
    assert!(written.lines().last().unwrap().contains("\"end\""), "{written}");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = own.command(&["export", "--app", "shop", "-"]);
    let ended = command.stdout(full).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let ended = ended.wait_with_output().await.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.code() == Some(1) && told.contains("No space left"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_without_room_goes_on_where_it_stopped() {
    let whole = import::shop(Engine::Sqlite).await;
    let own = Installation::untouched(Engine::Sqlite).await;
    let Some(data) = Disk::of_memory(&own.path("data"), 24, "") else { return };
    let Some(beside) = Disk::of_memory(&own.path("input"), 4, "") else { return };
    let client = own.shop().await;
    let process = own.start("all").await;
    open_shop(&process, &client).await;
    process.stop().await;
    write(&whole, "people.ndjson", text(&lines(PEOPLE)));
    write(&own, "input/people.ndjson", text(&lines(PEOPLE)));
    run_import(&whole, "people.ndjson").await.succeeds();

    // There is no room for how far it has come.
    beside.fill();
    let stopped = run_import(&own, "input/people.ndjson").await;
    stopped.fails_saying(&["cannot write", "people.ndjson.oubli-progress"]);
    beside.free();
    data.fill_but(100 << 10);
    let stopped = run_import(&own, "input/people.ndjson").await;
    stopped.fails_saying(&["run it again", "is full"]);
    data.free();
    let ended = run_import(&own, "input/people.ndjson").await.succeeds();
    let [imported, unchanged, rejected] = counts(&ended, "subject");
    assert_eq!((imported + unchanged, rejected), (PEOPLE as u64, 0));
    assert_eq!(names(&own, "input"), ["people.ndjson"]);
    assert_eq!(content(&own, "shop").await, content(&whole, "shop").await);
}

async fn run_import(own: &Installation, file: &str) -> Ended {
    own.run(&["import", "--app", "shop", file]).await
}
