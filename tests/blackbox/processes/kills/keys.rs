//! Work on keys that is killed at each of its writes.

use std::process::Stdio;

use oubli_store::{Schema, testing};
use oubli_tests::{Caller, Engine, both_engines};
use serde_json::json;

use super::{Place, keys, reached};
use crate::processes::installation::{Installation, Process, open_shop};

const ROTATE: [Place; 5] = [
    keys("update", "service_secrets"),
    keys("insert", "app_keys"),
    keys("update", "app_secrets"),
    keys("update", "subject_keys"),
    Place {
        schema: Schema::Keys,
        event: "update",
        table: "key_work",
        when: "new.ended_at is not null",
    },
];
const REINDEX: [Place; 2] = [keys("insert", "blind_indexes"), keys("delete", "blind_indexes")];
const RETIRE: [Place; 1] = [keys("delete", "app_keys")];

/// How many people there are.
const PEOPLE: usize = 6;

fn email(n: usize) -> String {
    format!("p{n}@people.example")
}

async fn open(engine: Engine) -> (Installation, Process, Caller) {
    let own = Installation::new(engine).await;
    let client = own.shop().await;
    let process = own.start("all").await;
    let shop = open_shop(&process, &client).await;
    for n in 0..PEOPLE {
        let subject = shop.subject(&email(n)).await;
        let path = format!("/subjects/{subject}/records/profile/main");
        shop.put(&path, &json!({ "city": format!("City {n}") })).await.expect_status(201);
    }
    (own, process, shop)
}

/// Kills a command at each place, then runs it to its end.
async fn killed_at_each(own: &Installation, arguments: &[&str], places: &[Place]) {
    for place in places {
        let mut stop = place.stop(own).await;
        let mut command = own.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        reached(&mut stop, place).await;
        child.kill().await.unwrap();
        stop.lift().await.unwrap();
        testing::end_key_lease(&own.location(Schema::Keys)).await.unwrap();
    }
    own.run(arguments).await.succeeds();
}

/// Everyone is found, and what is theirs is read.
async fn all_read(shop: &Caller) {
    for n in 0..PEOPLE {
        let subject = shop.lookup("email", &email(n)).await.expect_status(200).text("/subject");
        let path = format!("/subjects/{subject}/records/profile/main?purpose=delivery");
        let read = shop.get(&path).await.expect_status(200);
        assert_eq!(read.body["body"]["city"], format!("City {n}"));
    }
}

both_engines! {
    async fn work_on_keys_killed_at_any_write_loses_nobody(engine: Engine) {
        let (own, process, shop) = open(engine).await;
        killed_at_each(&own, &["keys", "rotate"], &ROTATE).await;
        all_read(&shop).await;
        killed_at_each(&own, &["keys", "reindex"], &REINDEX).await;
        all_read(&shop).await;
        killed_at_each(&own, &["keys", "retire", "--grace", "0s", "--yes"], &RETIRE).await;
        process.stop().await;
        // A process that holds none of the old keys in memory.
        let process = own.start("all").await;
        all_read(&shop.at(&process.url)).await;
        process.stop().await;
        let status = own.run(&["keys", "status", "--json"]).await.succeeds().stdout;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let epochs = status["apps"][0]["epochs"].as_array().unwrap();
        assert_eq!((epochs.len(), &epochs[0]["data_keys"]), (1, &json!(PEOPLE)), "{status}");
    }
}
