//! `oubli keys` beside a running service: killed, twice at once, refused, and what retirement
//! makes unreadable.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join;
use oubli_tests::{Caller, Engine, both_engines, raw};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::import;
use super::installation::{Ended, Installation, Process, open_shop, write_key};

/// How many people there are before anything is done: a few batches.
const PEOPLE: usize = 350;
/// How long until a command that was refused is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// How often at most: the lease of what was killed ends after ten seconds.
const TRIES: u32 = 300;
/// How often the end of an erasure is asked for.
const POLLS: u32 = 1_200;

/// A shop full of people, and the service that serves it.
async fn open(engine: Engine) -> (Installation, Process, Caller) {
    let own = Installation::new(engine).await;
    let client = own.shop().await;
    let process = own.start("all").await;
    let shop = open_shop(&process, &client).await;
    let lines: Vec<Value> =
        (0..PEOPLE).flat_map(|n| import::person(n).into_iter().take(2)).collect();
    import::write(&own, "people.ndjson", import::text(&lines));
    own.run(&["import", "--app", "shop", "people.ndjson"]).await.succeeds();
    (own, process, shop)
}

fn imported(n: usize) -> String {
    format!("p{n}@people.example")
}

async fn find(shop: &Caller, email: &str) -> String {
    shop.lookup("email", email).await.expect_status(200).text("/subject")
}

/// What the service acknowledged.
struct Acknowledged {
    /// The city in the profile of each person who stays, by e-mail address.
    cities: BTreeMap<String, String>,
    /// The request of each person who leaves, by e-mail address.
    erasures: BTreeMap<String, String>,
}

impl Acknowledged {
    /// What the import brought.
    fn imported() -> Self {
        let cities = (0..PEOPLE).map(|n| (imported(n), "Brno".to_owned())).collect();
        Self { cities, erasures: BTreeMap::new() }
    }

    /// Creates, writes, reads and erases people until `over`. Every call succeeds.
    async fn load(mut self, shop: &Caller, over: &AtomicBool) -> Self {
        let mut pace = tokio::time::interval(Duration::from_millis(100));
        for n in (0..PEOPLE).take_while(|_| !over.load(Ordering::SeqCst)) {
            pace.tick().await;
            let new = format!("new-{n}@example.org");
            shop.subject(&new).await;
            for email in [new, imported(n)] {
                self.write(shop, email, format!("City {n}")).await;
            }
            if n % 5 == 0 {
                let leaves = imported(n);
                let request = shop.request_of("erasure", &find(shop, &leaves).await).await;
                self.cities.remove(&leaves);
                self.erasures.insert(leaves, request);
            }
        }
        self
    }

    async fn write(&mut self, shop: &Caller, email: String, city: String) {
        let path = format!("/subjects/{}/records/profile/main", find(shop, &email).await);
        let written = shop.put(&path, &json!({ "name": "N", "city": city })).await;
        assert!([200, 201].contains(&written.status), "{}", written.body);
        read(shop, &email, &city).await;
        self.cities.insert(email, city);
    }

    /// All who stay are found, and what is theirs is read; nobody else is.
    async fn holds(&self, shop: &Caller) {
        for request in self.erasures.values() {
            shop.completed_within(request, POLLS).await;
        }
        for email in self.erasures.keys() {
            shop.lookup("email", email).await.expect_problem(404, "subject-not-found");
        }
        for (email, city) in &self.cities {
            read(shop, email, city).await;
        }
        assert_eq!(shop.all_pages("/subjects", 100).await.len(), self.cities.len());
    }
}

async fn read(shop: &Caller, email: &str, city: &str) {
    let subject = find(shop, email).await;
    let path = format!("/subjects/{subject}/records/profile/main?purpose=delivery");
    assert_eq!(shop.get(&path).await.expect_status(200).body["body"]["city"], city);
}

async fn status(own: &Installation) -> Value {
    let shown = own.run(&["keys", "status", "--json"]).await.succeeds();
    serde_json::from_str(&shown.stdout).unwrap()
}

/// Nothing stands under an old key, and everything under the new ones.
#[track_caller]
fn expect_settled(status: &Value, people: usize) {
    assert_eq!(status["work"]["state"], "ended", "{status}");
    let app = &status["apps"][0];
    let (newest, old) = app["epochs"].as_array().unwrap().split_last().unwrap();
    for epoch in old {
        assert_eq!((&epoch["data_keys"], &epoch["secrets"]), (&json!(0), &json!(0)), "{status}");
        assert!(!epoch["emptied_at"].is_null(), "{status}");
    }
    assert_eq!(newest["data_keys"], people, "{status}");
    assert_eq!(newest["root_version"], status["root_current"], "{status}");
    let indexes = app["indexes"].as_array().unwrap();
    let kinds: Vec<_> = indexes.iter().map(|index| index["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 3, "one version of each type: {status}");
    let email = kinds.iter().position(|kind| *kind == "email").unwrap();
    assert_eq!(indexes[email]["identifiers"], people, "{status}");
}

/// What `oubli keys` says of work whose process may have been killed a moment ago.
fn is_running(kind: &str) -> String {
    format!("a {kind} is running; if it was killed, its lease ends at")
}

/// Runs work to its end, once the lease of whoever was killed has ended.
async fn finish(own: &Installation, kind: &str) -> Ended {
    for _ in 0..TRIES {
        let ended = own.run(&["keys", kind]).await;
        if ended.code == Some(0) {
            return ended;
        }
        ended.fails_saying(&[&is_running(kind)]);
        tokio::time::sleep(RETRY).await;
    }
    panic!("the lease on the {kind} does not end");
}

/// Waits until nobody holds the lease; gives how long a command takes that does nothing.
async fn idle(own: &Installation) -> Duration {
    for _ in 0..TRIES {
        let began = Instant::now();
        if status(own).await["work"]["state"] != "running" {
            return began.elapsed();
        }
        tokio::time::sleep(RETRY).await;
    }
    panic!("the lease does not end");
}

fn spawn(own: &Installation, kind: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = own.command(&["keys", kind]);
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = quiet.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// A moment by chance, on purpose: whatever it is, what the test says afterwards holds.
async fn moment(within: Duration) {
    let part = f64::from(getrandom::u32().unwrap()) / f64::from(u32::MAX);
    tokio::time::sleep(within.mul_f64(part)).await;
}

/// Runs work that is killed several times, while its keys are made and while rows are moved, and
/// then is not.
async fn kill_and_finish(own: &Installation, kind: &str) {
    for round in 0..4 {
        let opening = idle(own).await;
        let (mut child, mut lines) = spawn(own, kind);
        if round % 2 == 0 {
            moment(opening * 2).await;
        } else {
            // It tells of progress when all its new keys stand and no row was moved.
            lines.next_line().await.unwrap();
            moment(opening / 2).await;
        }
        child.kill().await.unwrap();
    }
    finish(own, kind).await;
}

/// Kills a rotation when the new keys stand and not every data key was moved to them.
async fn rotate_in_part(own: &Installation) {
    for _ in 0..TRIES {
        idle(own).await;
        let (mut child, mut lines) = spawn(own, "rotate");
        lines.next_line().await.unwrap();
        child.kill().await.unwrap();
        let status = status(own).await;
        let (_, old) = status["apps"][0]["epochs"].as_array().unwrap().split_last().unwrap();
        if old.iter().any(|epoch| epoch["data_keys"] != 0) {
            return;
        }
    }
    panic!("every rotation came to its end before it was killed");
}

/// The versions in the file of the root key.
fn root_versions(own: &Installation) -> Vec<String> {
    let text = fs::read_to_string(own.root_key()).unwrap();
    text.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// A copy of the databases with this root key: how a command that opens them ends.
async fn open_copy(copy: &Installation, root_key: &[u8]) -> Ended {
    write_key(&copy.root_key(), root_key, 0o600);
    copy.run(&["keys", "status"]).await
}

/// Copies the databases of a service that does not run.
async fn copy_of(own: &Installation) -> Installation {
    let copy = Installation::untouched(Engine::Sqlite).await;
    fs::DirBuilder::new().mode(0o700).create(copy.path("keys")).unwrap();
    fs::DirBuilder::new().mode(0o700).create(copy.path("data")).unwrap();
    for file in fs::read_dir(own.path("data")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path("data").join(file.file_name())).unwrap();
    }
    copy
}

both_engines! {
    async fn killed_work_on_keys_beside_a_service_loses_nothing(engine: Engine) {
        let (own, process, shop) = open(engine).await;
        let over = AtomicBool::new(false);
        let work = async {
            kill_and_finish(&own, "rotate").await;
            kill_and_finish(&own, "reindex").await;
            over.store(true, Ordering::SeqCst);
        };
        let (kept, ()) = join(Acknowledged::imported().load(&shop, &over), work).await;
        assert!(!kept.erasures.is_empty());
        kept.holds(&shop).await;
        expect_settled(&status(&own).await, kept.cities.len());
        process.stop().await;
    }

    async fn of_two_rotations_at_once_one_is_refused(engine: Engine) {
        let (own, process, shop) = open(engine).await;
        let rotation = ["keys", "rotate"];
        let (one, two) = join(own.run(&rotation), own.run(&rotation)).await;
        let (well, refused): (Vec<_>, Vec<_>) =
            [one, two].into_iter().partition(|ended| ended.code == Some(0));
        assert!(!well.is_empty(), "{refused:?}");
        for ended in refused {
            ended.fails_saying(&[&is_running("rotate")]);
        }
        expect_settled(&status(&own).await, PEOPLE);
        Acknowledged::imported().holds(&shop).await;
        process.stop().await;
    }

    async fn only_emptied_keys_are_retired_and_only_when_told_to(engine: Engine) {
        let (own, process, shop) = open(engine).await;
        let retirement = ["keys", "retire", "--grace", "0s", "--yes"];
        rotate_in_part(&own).await;
        let before = fs::read(own.root_key()).unwrap();
        let refused = own.run(&retirement).await;
        assert!(refused.stdout.contains(" stays: "), "{refused:?}");
        refused.fails_saying(&["a rotate "]);
        finish(&own, "rotate").await;
        let refused = own.run(&retirement[..4]).await;
        refused.fails_saying(&["nothing was deleted; say --yes"]);
        let early = own.run(&["keys", "retire", "--yes"]).await.succeeds();
        assert!(early.stdout.contains("0 app keys were retired."), "{early:?}");
        assert_eq!(fs::read(own.root_key()).unwrap(), before, "nothing was deleted");

        let done = own.run(&retirement).await.succeeds();
        assert!(done.stdout.contains("Root key version 1 is deleted."), "{done:?}");
        let status = status(&own).await;
        assert_eq!(root_versions(&own), [status["root_current"].to_string()]);
        assert_eq!(status["apps"][0]["epochs"].as_array().unwrap().len(), 1, "{status}");
        expect_settled(&status, PEOPLE);
        process.stop().await;
        // Its memory had held the old keys: what is stored opens without them.
        let process = own.start("all").await;
        let (shop, mut kept) = (shop.at(&process.url), Acknowledged::imported());
        kept.write(&shop, imported(0), "Plzeň".to_owned()).await;
        kept.holds(&shop).await;
        process.stop().await;
    }

    async fn work_on_keys_tells_of_nobody(engine: Engine) {
        let (own, process, shop) = open(engine).await;
        let subject = find(&shop, &imported(7)).await;
        let mut places = Vec::new();
        for command in ["rotate", "reindex", "status"] {
            let ended = own.run(&["keys", command, "--log", "trace"]).await.succeeds();
            places.push((command.to_owned(), [ended.stdout, ended.stderr].concat().into_bytes()));
        }
        let shown = own.run(&["keys", "status", "--json"]).await.succeeds();
        assert!(!shown.stdout.contains(&subject), "{shown:?}");
        places.push(("status as JSON".to_owned(), shown.stdout.into_bytes()));
        for canary in [imported(7), "Person 7".to_owned(), "people.example".to_owned()] {
            let found = raw::find(&canary, &places);
            assert!(found.is_empty(), "{canary} is in {found:?}");
        }
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_keys_from_before_a_retirement_does_not_open() {
    let (own, process, _) = open(Engine::Sqlite).await;
    process.stop().await;
    let (copy, before) = (copy_of(&own).await, fs::read(own.root_key()).unwrap());
    own.run(&["keys", "rotate"]).await.succeeds();
    let rotated = fs::read(own.root_key()).unwrap();
    own.run(&["keys", "retire", "--grace", "0s", "--yes"]).await.succeeds();

    let after = open_copy(&copy, &fs::read(own.root_key()).unwrap()).await;
    after.fails_saying(&["the root key provider has no version 1"]);
    // It is the retirement alone that keeps it shut.
    open_copy(&copy, &rotated).await.succeeds();
    open_copy(&copy, &before).await.succeeds();
}
