//! The disk of the PostgreSQL databases is full: a server of the test's own keeps them on a small one.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use oubli_test_postgres::Cluster;
use oubli_tests::raw;

use super::disk::Disk;
use super::full::{goes_on_answering, holds, read_until_full, write_until_full};
use crate::processes::crashes::exported_once;
use crate::processes::installation::{Installation, customer, open_shop};

/// A disk that belongs to whoever the server runs as.
async fn disk_of(url: &str, folder: &Path) -> Option<Disk> {
    let data = raw::text(url, "show data_directory").await;
    let owner = fs::metadata(data).unwrap();
    Disk::of_memory(folder, 40, &format!(",uid={},gid={}", owner.uid(), owner.gid()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_loses_nothing() {
    let cluster = Cluster::start().await.unwrap();
    let beside = cluster.database("beside").await.unwrap();
    let folder = tempfile::Builder::new().prefix("oubli-small-").tempdir_in("/tmp").unwrap();
    let small = folder.path().join("disk");
    // The server's user must get there.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let Some(disk) = disk_of(beside.url(), &small).await else { return };
    let own = Installation::over(Some(cluster.fresh_databases().await.unwrap()));
    raw::execute(beside.url(), &format!("create tablespace small location '{}'", small.display()))
        .await;
    for database in [&own.databases.as_ref().unwrap().data, &own.databases.as_ref().unwrap().keys] {
        let moved = format!("alter database {} set tablespace small", database.name());
        raw::execute(beside.url(), &moved).await;
    }
    own.run(&["migrate"]).await.succeeds();
    let client = own.shop().await;
    let process = own.start("all").await;
    let shop = open_shop(&process, &client).await;
    let ada = customer(&shop, "ada@example.org").await;
    let last = write_until_full(&shop, &ada, &disk).await;
    read_until_full(&shop, &ada).await;
    goes_on_answering(&shop, &ada).await;
    disk.free();
    holds(&shop, &ada, last).await;
    let request = shop.request_of("access", &ada).await;
    shop.completed(&request).await;
    exported_once(&shop, &[request]).await;
    shop.erase(&ada).await;
    process.stop().await;
}
