//! Two nodes on one PostgreSQL, one of which is killed in the middle of its jobs: the other one ends
//! them, each once.

use futures_util::future::join_all;
use oubli_tests::Engine;

use super::super::crashes::{POLLS, erased_once, exported_once};
use super::super::installation::{Installation, customer, open_shop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_jobs_of_a_killed_node_are_ended_once_by_the_other() {
    let own = Installation::new(Engine::Postgres).await;
    let client = own.shop().await;
    let (one, two) = (own.start("all").await, own.start("all").await);
    let first = open_shop(&one, &client).await;
    let second = first.at(&two.url);
    let (mut leaving, mut staying) = (Vec::new(), Vec::new());
    for n in 0..10 {
        leaving.push(customer(&first, &format!("leaves-{n}@example.org")).await);
        staying.push(customer(&second, &format!("stays-{n}@example.org")).await);
    }
    // All at once, so that both nodes have jobs in hand when one of them dies.
    let erasures = join_all(leaving.iter().map(|person| first.request_of("erasure", person)));
    let exports = join_all(staying.iter().map(|person| first.request_of("access", person)));
    let (erasures, exports) = tokio::join!(erasures, exports);
    one.kill().await;
    for request in erasures.iter().chain(&exports) {
        second.completed_within(request, POLLS).await;
    }
    erased_once(&second, &erasures).await;
    exported_once(&second, &exports).await;
    assert_eq!(second.all_pages("/subjects", 100).await.len(), staying.len());
    two.stop().await;
}
