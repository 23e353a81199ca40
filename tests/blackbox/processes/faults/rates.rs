//! One client that calls far too often: it gets its rate and no more, and another is served.

use std::time::Instant;

use futures_util::future::join_all;
use oubli_tests::{Caller, Engine, Reply};

use super::super::installation::{Installation, open_shop};

const RATE: u32 = 40;
const BURST: u32 = 100;
/// How often the flood comes until somebody is refused. A machine that does not even give a client its
/// rate refuses nobody.
const FLOODS: usize = 20;

async fn calls(caller: &Caller, count: usize) -> Vec<Reply> {
    join_all((0..count).map(|_| caller.get("/data-map"))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_one_client_leaves_another_served() {
    // The buckets are in memory, the same over both engines.
    let own = Installation::new(Engine::Sqlite).await;
    let client = own.shop().await;
    let made = own.run(&["client", "create", "--app", "shop", "--title", "other"]).await.succeeds();
    let value = |name: &str| {
        made.stdout.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    };
    let settings = [
        ("OUBLI_RATE_LIMIT_REQUESTS_PER_SECOND", RATE.to_string()),
        ("OUBLI_RATE_LIMIT_BURST", BURST.to_string()),
    ];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let process = own.start_with("serve", &settings).await;
    let flooding = open_shop(&process, &client).await;
    let other = Caller::new(&process.url).for_app("shop");
    let other = other.sign_in(&value("client_id:"), &value("client_secret:")).await;

    let begun = Instant::now();
    let flood = async {
        let mut all: Vec<Reply> = Vec::new();
        for _ in 0..FLOODS {
            all.extend(join_all((0..20).map(|_| calls(&flooding, 40))).await.into_iter().flatten());
            if all.iter().any(|reply| reply.status == 429) {
                return all;
            }
        }
        panic!("nobody was refused");
    };
    let (flood, served) = tokio::join!(flood, calls(&other, BURST as usize / 2));
    let given = f64::from(BURST) + f64::from(RATE) * begun.elapsed().as_secs_f64() + 1.0;
    assert!(served.iter().all(|reply| reply.status == 200));
    let (taken, refused): (Vec<_>, Vec<_>) =
        flood.into_iter().partition(|reply| reply.status == 200);
    for reply in &refused {
        reply.expect_problem(429, "rate-limited");
        assert!(reply.header("retry-after").is_some());
    }
    let taken = u32::try_from(taken.len()).unwrap();
    assert!(f64::from(taken) <= given, "{taken} calls were taken, {given} may be");
    process.stop().await;
}
