//! All connections to a database taken: who comes next is refused in time and nothing is half done.

use futures_util::future::join_all;
use oubli_tests::Engine;
use serde_json::json;
use tokio_postgres::NoTls;

use super::super::installation::{Installation, open_shop};
use super::is_refused;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_pool_refuses_in_time_and_recovers_by_itself() {
    let own = Installation::new(Engine::Postgres).await;
    let client = own.shop().await;
    let process = own.start_with("serve", &[("OUBLI_CONNECTIONS", "2")]).await;
    let shop = open_shop(&process, &client).await;
    let ada = shop.subject("ada@example.org").await;
    let records: Vec<String> =
        (0..6).map(|n| format!("/subjects/{ada}/records/profile/r{n}")).collect();
    let body = json!({ "name": "Ada" });
    let eve = json!({ "identifiers": [{ "type": "email", "value": "eve@example.org" }] });

    let url = own.databases.as_ref().unwrap().data_url();
    let (other, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let refused = async {
        other.batch_execute("BEGIN; LOCK TABLE subjects IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let puts = join_all(records.iter().map(|record| shop.put(record, &body)));
        let created = shop.post("/subjects", &eve);
        let (puts, created) = tokio::join!(puts, created);
        assert!(puts.iter().all(is_refused) && is_refused(&created));
        other.batch_execute("ROLLBACK").await.unwrap();
    };
    tokio::select! {
        () = refused => {}
        ended = connection => panic!("the connection ended: {ended:?}"),
    }

    for record in &records {
        let read = format!("{record}?purpose=delivery");
        shop.get(&read).await.expect_problem(404, "record-not-found");
    }
    let puts = join_all(records.iter().map(|record| shop.put(record, &body))).await;
    assert!(puts.iter().all(|reply| reply.status == 201 && reply.body["version"] == 1));
    shop.post("/subjects", &eve).await.expect_status(201);
    process.stop().await;
}
