//! The harness against a real server, whichever is found.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use oubli_test_postgres::{Cluster, Stop, URL_VARIABLE, create_database, fresh_databases};
use tokio_postgres::NoTls;

/// Runs one query on a connection of its own and gives its first value.
async fn ask(url: &str, query: &str) -> Result<i64, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let work = async move {
        let row = client.query_one(query, &[]).await?;
        row.try_get(0)
    };
    let (answer, _) = tokio::join!(work, connection);
    answer
}

#[tokio::test]
async fn each_database_is_empty_and_apart() {
    let pair = fresh_databases("apart").await.unwrap();
    assert_ne!(pair.data_url(), pair.keys_url());
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let create = "WITH made AS (SELECT lo_create(0)) SELECT count(*) FROM made";
    assert_eq!(ask(pair.data_url(), tables).await.unwrap(), 0);
    assert_eq!(ask(pair.data_url(), create).await.unwrap(), 1);
    let objects = "SELECT count(*) FROM pg_largeobject_metadata";
    assert_eq!(ask(pair.data_url(), objects).await.unwrap(), 1);
    assert_eq!(ask(pair.keys_url(), objects).await.unwrap(), 0);
}

#[tokio::test]
async fn a_dropped_database_is_gone_even_with_a_connection_open() {
    let kept = create_database("kept").await.unwrap();
    let database = create_database("gone").await.unwrap();
    let name = database.name().to_owned();
    let count = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(ask(kept.url(), &count).await.unwrap(), 1);
    let _open = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    drop(database);
    assert_eq!(ask(kept.url(), &count).await.unwrap(), 0);
}

#[tokio::test]
async fn the_runner_hands_on_the_url_and_the_status() {
    let database = create_database("runner").await.unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_oubli-test-postgres"))
        .args(["--", "sh", "-c", &format!("echo \"${URL_VARIABLE}\"; exit 7")])
        .env(URL_VARIABLE, database.url())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), database.url());
}

#[test]
fn a_url_that_does_not_answer_is_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_oubli-test-postgres"))
        .args(["--", "true"])
        // Port 1 is reserved and has no server.
        .env(URL_VARIABLE, "postgres://nobody@127.0.0.1:1/postgres")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains(URL_VARIABLE));
}

#[tokio::test]
async fn a_cluster_stops_and_starts_again_with_what_was_committed() {
    let cluster = Cluster::start().await.unwrap();
    let database = cluster.database("again").await.unwrap();
    let make = "WITH made AS (SELECT lo_create(0)) SELECT count(*) FROM made";
    assert_eq!(ask(database.url(), make).await.unwrap(), 1);
    for how in [Stop::Fast, Stop::Immediate] {
        cluster.stop(how).unwrap();
        assert!(ask(database.url(), "SELECT 1::bigint").await.is_err());
        cluster.start_again().unwrap();
        let objects = "SELECT count(*) FROM pg_largeobject_metadata";
        assert_eq!(ask(database.url(), objects).await.unwrap(), 1);
    }
}
