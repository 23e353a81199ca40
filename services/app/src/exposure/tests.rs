#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oubli_domain::scope::Scopes;
use oubli_domain::{ClientId, Code, Right, SubjectId, Time, UserId};

use super::gather::{Person, Window, gather};
use super::{Exposed, Exposure, ExposureQuery, Totals, exposure};
use crate::caller::{Actor, Caller};
use crate::consents::{self, AsOf};
use crate::requests::world::{World, key, name};
use crate::testing::{START, refused};
use crate::{clients, export, records};

impl World {
    /// A client of the app, as a caller.
    async fn client(&self) -> Caller {
        let new = clients::NewClient {
            title: "Till".to_owned(),
            scopes: Scopes::parse("records:read").unwrap(),
        };
        let made = clients::create(&self.oubli, &self.call(), new).await.unwrap();
        Caller { app: self.app.clone(), actor: Actor::Client(made.client) }
    }

    async fn exposed(&self, query: &ExposureQuery) -> (Totals, Vec<(SubjectId, Exposed)>) {
        let found = exposure(&self.oubli, &self.caller(), query, None, 1_000).await.unwrap();
        assert_eq!(found.next, None);
        (found.totals.unwrap(), found.subjects)
    }

    /// Two people: the first comes first in every list.
    async fn two(&self) -> (SubjectId, SubjectId) {
        let ada = self.customer("ada").await;
        self.clock.advance(1);
        (ada, self.customer("bob").await)
    }

    async fn read(&self, caller: &Caller, subject: SubjectId, category: &str, record: &str) {
        let key = key(subject, category, record);
        records::get(&self.oubli, caller, &key, &name("fulfil")).await.unwrap();
    }
}

fn by(caller: &Caller) -> ExposureQuery {
    ExposureQuery { by: Some(caller.actor.clone()), ..ExposureQuery::default() }
}

#[tokio::test]
async fn what_one_client_read_is_told_with_whom_and_when() {
    let world = World::new().await;
    let (ada, bob) = world.two().await;
    let till = world.client().await;
    world.read(&till, ada, "profile", "main").await;
    world.clock.advance(60);
    world.read(&till, ada, "invoice", "1").await;
    consents::state(&world.oubli, &till, bob, AsOf::default()).await.unwrap();
    let (totals, subjects) = world.exposed(&by(&till)).await;
    assert_eq!((totals.subjects, totals.reads, totals.consents, totals.exports), (2, 3, 1, 0));
    let of = |field: &str| [(name(field), 1)];
    let profile = of("name").into_iter().chain(of("tags")).collect();
    let all = [(name("invoice"), of("total").into()), (name("profile"), profile)];
    assert_eq!(totals.fields, all.into());
    let [(first, of_ada), (second, of_bob)] = subjects.try_into().unwrap();
    assert_eq!((first, second), (ada, bob));
    assert_eq!((of_ada.reads, of_ada.purposes), (2, [name("fulfil")].into()));
    assert_eq!((of_ada.first_at, of_ada.last_at), (START.plus_seconds(1), START.plus_seconds(61)));
    assert_eq!(of_ada.fields[&name("invoice")], [name("total")].into());
    assert_eq!((of_bob.fields.len(), of_bob.consents), (0, [name("state")].into()));

    let from = Some(START.plus_seconds(61));
    let (later, _) = world.exposed(&ExposureQuery { from, ..by(&till) }).await;
    assert_eq!((later.subjects, later.reads, later.fields.len()), (2, 2, 1));
    let (earlier, _) = world.exposed(&ExposureQuery { to: from, ..by(&till) }).await;
    assert_eq!((earlier.subjects, earlier.reads), (1, 1));
    let (anyone, _) = world.exposed(&ExposureQuery::default()).await;
    assert_eq!((anyone.subjects, anyone.reads), (2, 5));
}

#[tokio::test]
async fn exports_are_counted_and_the_erased_stand_apart() {
    let world = World::new().await;
    let (ada, bob) = world.two().await;
    let request = world.request(Right::Access, ada).await;
    world.work().await;
    export::issue_download(&world.oubli, &world.call(), request).await.unwrap();
    let (totals, subjects) = world.exposed(&ExposureQuery::default()).await;
    assert_eq!((totals.subjects, totals.reads, totals.exports), (2, 3, 1));
    assert_eq!(subjects[0].1.exports, 1);

    world.request(Right::Erasure, ada).await;
    let (totals, subjects) = world.exposed(&ExposureQuery::default()).await;
    assert_eq!((totals.subjects, totals.erased.subjects, totals.erased.reads), (1, 1, 2));
    assert_eq!(subjects.len(), 1);
    world.work().await;
    world.clock.advance(61);
    world.work().await;
    let (gone, subjects) = world.exposed(&ExposureQuery::default()).await;
    assert_eq!(gone, totals, "being erased and erased count alike");
    assert_eq!(subjects[0].0, bob);
}

#[tokio::test]
async fn few_people_at_a_time_give_what_all_at_once_do() {
    let world = World::new().await;
    let mut people = Vec::new();
    for number in 0..7 {
        world.clock.advance(1);
        people.push(world.customer(&format!("p{number}")).await);
    }
    // Out of the order of the ids, and again of those who come first.
    for subject in people.iter().rev().chain(&people[..3]) {
        world.read(&world.caller(), *subject, "invoice", "1").await;
    }
    let window = Window {
        oubli: &world.oubli,
        app: &world.app,
        actor: None,
        from: Time(0),
        until: world.oubli.now().plus_seconds(1),
    };
    let whole = gather(&window, None, 100).await.unwrap();
    assert_eq!((whole.people.len(), whole.more), (7, false));
    let (mut found, mut totals) = (Vec::new(), Totals::default());
    let mut last: Option<Person> = None;
    loop {
        let some = gather(&window, last, 2).await.unwrap();
        assert!(some.people.len() <= 2);
        totals.add(&window, &some).await.unwrap();
        found.extend(some.known());
        last = some.last();
        if !some.more {
            break;
        }
    }
    assert_eq!(found, whole.known().collect::<Vec<_>>());
    let mut at_once = Totals::default();
    at_once.add(&window, &whole).await.unwrap();
    assert_eq!(totals, at_once);
    assert_eq!((totals.subjects, totals.reads), (7, 17));
}

#[tokio::test]
async fn pages_tell_of_one_time_and_totals_stand_on_the_first() {
    let world = World::new().await;
    for name in ["ada", "bob", "cat"] {
        world.customer(name).await;
    }
    let ask = async |after| {
        let query = ExposureQuery::default();
        exposure(&world.oubli, &world.caller(), &query, after, 2).await.unwrap()
    };
    let first: Exposure = ask(None).await;
    assert_eq!((first.subjects.len(), first.totals.unwrap().subjects), (2, 3));
    world.clock.advance(5);
    world.customer("dan").await;
    let second = ask(first.next).await;
    assert_eq!((second.subjects.len(), second.totals, second.next), (1, None, None));
    assert_eq!(second.until, first.until);
    let (totals, _) = world.exposed(&ExposureQuery::default()).await;
    assert_eq!(totals.subjects, 4);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let world = World::new().await;
    let client =
        |app: &str| ClientId::new(format!("{app}.{}", "0".repeat(32))).map(Actor::Client).unwrap();
    let none = ExposureQuery::default;
    for (query, code) in [
        (ExposureQuery { from: Some(Time(2)), to: Some(Time(2)), ..none() }, Code::InvalidQuery),
        (ExposureQuery { by: Some(client("shop")), ..none() }, Code::ClientNotFound),
        (ExposureQuery { by: Some(client("market")), ..none() }, Code::ClientNotFound),
        (
            ExposureQuery { by: Some(Actor::Staff(UserId::fresh(START))), ..none() },
            Code::UserNotFound,
        ),
    ] {
        let asked = exposure(&world.oubli, &world.caller(), &query, None, 10).await;
        assert_eq!(refused(asked), code);
    }
}
