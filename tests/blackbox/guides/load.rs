//! An application at work while an operator turns keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oubli_tests::Caller;
use serde_json::json;
use tokio::task::JoinSet;

use crate::processes::installation::Installation;

/// How many write and read at once.
const WORKERS: usize = 4;

/// Callers that create, write and read until told to end.
pub(super) struct Load {
    ending: Arc<AtomicBool>,
    workers: JoinSet<usize>,
}

/// Signs in as the guides' backend and begins.
pub(super) async fn begin(installation: &Installation, url: String) -> Load {
    let client = std::fs::read_to_string(installation.path("backend.client")).unwrap();
    let value = |name: &str| client.lines().find_map(|l| l.strip_prefix(name)).unwrap().trim();
    let (id, secret) = (value("client_id:"), value("client_secret:"));
    let caller = Caller::new(&url).for_app("shop").sign_in(id, secret).await;
    let ending = Arc::new(AtomicBool::new(false));
    let workers = (0..WORKERS).map(|n| work(n, caller.clone(), Arc::clone(&ending))).collect();
    Load { ending, workers }
}

/// Each call must be answered well, and what was acknowledged must be read back.
async fn work(worker: usize, shop: Caller, ending: Arc<AtomicBool>) -> usize {
    let mut done = 0;
    while !ending.load(Ordering::Relaxed) {
        let email = format!("load-{worker}-{done}@example.org");
        let subject = shop.subject(&email).await;
        let place = format!("/subjects/{subject}/records/profile/main");
        let profile = json!({ "name": email, "address": "Load" });
        shop.put(&place, &profile).await.expect_status(201);
        let read = shop.get(&format!("{place}?purpose=delivery")).await.expect_status(200);
        assert_eq!(read.body["body"], profile);
        assert_eq!(shop.lookup("email", &email).await.expect_status(200).text("/subject"), subject);
        done += 1;
    }
    done
}

impl Load {
    /// Ends it; every worker must have got something done.
    pub(super) async fn end(self) {
        self.ending.store(true, Ordering::Relaxed);
        for done in self.workers.join_all().await {
            assert!(done > 0, "no call went through");
        }
    }
}
