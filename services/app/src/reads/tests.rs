#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use oubli_domain::clock::TestClock;
use oubli_domain::consent::{Action, Language, Signals};
use oubli_domain::data_map::FieldSet;
use oubli_domain::request::SubjectState;
use oubli_domain::{Code, IdentifierType, Name, Pii, SubjectId};
use oubli_store::subjects;
use serde_json::json;
use tempfile::TempDir;

use super::collect::{Room, Wanted, collect};
use super::{BulkRead, HolderPosition, MAX_RECORDS, holders, read_many};
use crate::consents::{self, CheckItem, NewConsent};
use crate::data_map::tests::{name, opened, somebody};
use crate::notices::tests::notice;
use crate::records::{self, BatchItem};
use crate::subjects::{self as people, NewIdentifier, SubjectSelector};
use crate::testing::{self, refused};
use crate::{Call, Oubli, notices, purposes};

const PURPOSES: [&str; 3] = ["newsletter", "advice", "fulfil"];

/// A shop with people in it, and a sequence of numbers that is the same in every run.
struct Shop {
    oubli: Arc<Oubli>,
    clock: Arc<TestClock>,
    call: Call,
    people: Vec<SubjectId>,
    random: u64,
    _dir: TempDir,
}

impl Shop {
    async fn with(people: usize) -> Self {
        let (dir, oubli, clock) = testing::oubli().await;
        let call = opened(&oubli).await;
        for to in ["news", "advice"] {
            let text = notice(&[("en", "First")], false);
            notices::put(&oubli, &call, &name(to), &text).await.unwrap();
        }
        let mut shop = Self { oubli, clock, call, people: Vec::new(), random: 7, _dir: dir };
        for _ in 0..people {
            let person = somebody(&shop.oubli, &shop.call).await;
            shop.people.push(person);
        }
        // Ids of one moment have no order of their own.
        shop.people.sort_unstable();
        shop
    }

    /// A number below `below` (Knuth's linear congruential generator).
    fn random(&mut self, below: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.random >> 33).unwrap() % below
    }

    async fn consent(&self, person: SubjectId, purpose: &str, action: Action) {
        let shown = action == Action::Granted;
        let new = NewConsent {
            purpose: name(purpose),
            action,
            notice_version: shown.then_some(1),
            language: shown.then(|| Language::new("en").unwrap()),
            id: None,
            signals: Signals::default(),
        };
        // A grant of somebody who is restricted or being erased is refused: the list must say so.
        drop(consents::record(&self.oubli, &self.call, person, &new).await);
    }

    async fn set_state(&self, person: SubjectId, to: SubjectState) {
        let app = self.call.caller.app.clone();
        let set = self.oubli.data().write("test", move |tx| {
            let app = app.clone();
            Box::pin(async move { subjects::set_state(tx, &app, person, to).await })
        });
        set.await.unwrap();
    }

    /// Something happens to somebody.
    async fn step(&mut self) {
        let n = self.random(self.people.len());
        let (person, purpose) = (self.people[n], PURPOSES[self.random(2)]);
        let contract = name("fulfil");
        match self.random(12) {
            0..=3 => self.consent(person, purpose, Action::Granted).await,
            4 => self.consent(person, purpose, Action::Refused).await,
            5 | 6 => self.consent(person, purpose, Action::Withdrawn).await,
            7 => drop(purposes::end(&self.oubli, &self.call, person, &contract).await),
            8 => drop(purposes::resume(&self.oubli, &self.call, person, &contract).await),
            9 => self.set_state(person, SubjectState::Restricted).await,
            10 => self.set_state(person, SubjectState::Active).await,
            _ => self.clock.advance(20 * 86_400),
        }
    }

    /// Whom the list of a purpose holds, page after page.
    async fn listed(&self, purpose: &Name, limit: u32) -> Vec<SubjectId> {
        let (mut found, mut after): (Vec<SubjectId>, Option<HolderPosition>) = (Vec::new(), None);
        loop {
            let page = holders(&self.oubli, &self.call.caller, purpose, after, limit).await;
            let page = page.unwrap();
            found.extend(page.people.iter().map(|person| person.subject));
            after = page.next;
            if after.is_none() {
                return found;
            }
        }
    }

    /// Whom a check of each person permits.
    async fn permitted(&self, purpose: &Name) -> Vec<SubjectId> {
        let mut permitted = Vec::new();
        for person in &self.people {
            let item =
                CheckItem { subject: SubjectSelector::Id(*person), purpose: purpose.clone() };
            let checked = consents::check(&self.oubli, &self.call.caller, &item).await;
            if checked.is_ok_and(|checked| checked.permitted) {
                permitted.push(*person);
            }
        }
        permitted
    }

    /// Puts records of the category `profile` for somebody.
    async fn put(&self, person: SubjectId, count: usize) {
        let items = (0..count).map(|n| BatchItem {
            subject: SubjectSelector::Id(person),
            category: name("profile"),
            record: oubli_domain::RecordId::new(format!("r-{n:04}")).unwrap(),
            body: json!({ "name": "Ada", "age": 7 }),
            if_match: None,
        });
        records::put_batch(&self.oubli, &self.call, items.collect()).await.unwrap();
    }

    fn read(&self, purpose: &str, categories: &[&str]) -> BulkRead {
        BulkRead {
            purpose: name(purpose),
            items: self.people.iter().copied().map(SubjectSelector::Id).collect(),
            categories: categories.iter().copied().map(name).collect(),
            cursor: None,
        }
    }
}

#[tokio::test]
async fn the_list_of_a_purpose_is_whom_a_check_permits_whatever_happened() {
    let mut shop = Shop::with(25).await;
    let mut seen = BTreeSet::new();
    for _ in 0..12 {
        for _ in 0..25 {
            shop.step().await;
        }
        let erased = shop.random(shop.people.len());
        let before = shop.people[erased];
        shop.set_state(before, SubjectState::Erasing).await;
        for purpose in PURPOSES.map(name) {
            let permitted = shop.permitted(&purpose).await;
            assert!(!permitted.contains(&before));
            assert_eq!(shop.listed(&purpose, 7).await, permitted);
            seen.insert((purpose, permitted.len()));
        }
        shop.set_state(before, SubjectState::Active).await;
    }
    assert!(seen.len() > 10, "the histories differ: {seen:?}");
}

#[tokio::test]
async fn answers_are_bounded_and_go_on_where_they_ended() {
    let shop = Shop::with(3).await;
    for (n, person) in shop.people.iter().enumerate() {
        shop.put(*person, [600, 700, 1][n]).await;
    }
    let mut read = shop.read("fulfil", &["profile"]);
    let (mut answers, mut found) = (Vec::new(), BTreeSet::new());
    loop {
        let answer = read_many(&shop.oubli, &shop.call.caller, &read).await.unwrap();
        let mut records = 0;
        for item in answer.items {
            let person = item.result.unwrap();
            assert_eq!(person.subject, shop.people[item.item]);
            assert!(person.records.iter().all(|record| record.body["age"] == 7));
            records += person.records.len();
            found.extend(person.records.into_iter().map(|record| (item.item, record.record)));
        }
        answers.push(records);
        read.cursor = answer.next;
        if read.cursor.is_none() {
            break;
        }
    }
    assert_eq!((answers, found.len()), (vec![MAX_RECORDS, 301], 1301));
    let purpose = name("fulfil");
    let first = holders(&shop.oubli, &shop.call.caller, &purpose, None, 10).await.unwrap();
    let complete: Vec<bool> = first.people.iter().map(|person| person.complete).collect();
    assert_eq!(complete, [true, false]);
    let rest = holders(&shop.oubli, &shop.call.caller, &purpose, first.next, 10).await.unwrap();
    let records: Vec<usize> = rest.people.iter().map(|person| person.records.len()).collect();
    assert_eq!((records, rest.next), (vec![300, 1], None));
}

#[tokio::test]
async fn a_cursor_goes_with_its_call_alone() {
    let shop = Shop::with(2).await;
    shop.put(shop.people[0], 1_000).await;
    shop.put(shop.people[1], 1).await;
    let read = shop.read("fulfil", &["profile"]);
    let caller = &shop.call.caller;
    let next = read_many(&shop.oubli, caller, &read).await.unwrap().next.unwrap();
    let (mac, position) = next.split_once('.').unwrap();
    for cursor in
        ["", "x", position, &format!("{mac}.0"), &format!("{}.{position}", "0".repeat(64))]
    {
        let bad = BulkRead { cursor: Some(cursor.to_owned()), ..read.clone() };
        assert_eq!(refused(read_many(&shop.oubli, caller, &bad).await), Code::InvalidCursor);
    }
    let other = BulkRead { items: read.items[1..].to_vec(), ..read.clone() };
    let other = BulkRead { cursor: Some(next.clone()), ..other };
    assert_eq!(refused(read_many(&shop.oubli, caller, &other).await), Code::InvalidCursor);
    let good = BulkRead { cursor: Some(next), ..read };
    let answer = read_many(&shop.oubli, caller, &good).await.unwrap();
    assert_eq!((answer.items.len(), answer.next), (1, None));
}

#[tokio::test]
async fn identifiers_that_fill_the_answer_leave_no_record_out() {
    let shop = Shop::with(0).await;
    let (kind, value) = (IdentifierType::Email, Pii::new("ada@people.example".to_owned()));
    let identifier = NewIdentifier { kind, value };
    let made = people::create(&shop.oubli, &shop.call, vec![identifier]).await.unwrap();
    let person = made.subject;
    shop.put(person, 20).await;
    let mut conn = shop.oubli.data().snapshot().await.unwrap();
    let app = &shop.call.caller.app;
    let stored = oubli_store::identifiers::list(&mut conn, app, person).await.unwrap();
    let size: usize = stored.iter().map(|row| row.sealed.len()).sum();
    let model = shop.oubli.model(&mut conn, app).await.unwrap();
    let fields: FieldSet = [("identifiers", "email"), ("profile", "age")]
        .map(|(category, field)| (name(category), [name(field)].into()))
        .into();
    let wanted = Wanted::new(&model, &name("fulfil"), fields).unwrap();
    // Room that ends before, with and after the identifiers.
    for bytes in [size - 1, size, size + 1] {
        let (mut after, mut records, mut identifiers) = (None, 0, 0);
        loop {
            let mut room = Room::of_bytes(bytes);
            let read = collect(&mut conn, &model, &wanted, person, after, &mut room).await.unwrap();
            let (ids, found) = read.counts();
            assert!(found > 0, "every answer comes further");
            (identifiers, records) = (identifiers + ids, records + found);
            after = read.rest_after;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((identifiers, records), (1, 20));
    }
}
