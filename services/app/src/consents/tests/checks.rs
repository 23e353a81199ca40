use oubli_domain::consent::{Action, NotPermitted, State};
use oubli_domain::identifier::IdentifierType;
use oubli_domain::request::SubjectState;
use oubli_domain::{Code, Pii, SubjectId};

use super::super::{CheckItem, check, check_batch, record};
use super::{Shop, newsletter};
use crate::data_map::tests::name;
use crate::subjects::{self, NewIdentifier, SubjectSelector};
use crate::testing::refused;

fn email(value: &str) -> (IdentifierType, Pii<String>) {
    (IdentifierType::Email, Pii::new(value.to_owned()))
}

fn by_email(value: &str, purpose: &str) -> CheckItem {
    let (kind, value) = email(value);
    CheckItem { subject: SubjectSelector::Identifier { kind, value }, purpose: name(purpose) }
}

fn by_id(subject: SubjectId, purpose: &str) -> CheckItem {
    CheckItem { subject: SubjectSelector::Id(subject), purpose: name(purpose) }
}

#[tokio::test]
async fn a_check_follows_consent_and_names_the_reason() {
    let shop = Shop::open().await;
    let (oubli, caller) = (&shop.oubli, &shop.call.caller);
    let question = by_id(shop.person, "newsletter");
    let before = check(oubli, caller, &question).await.unwrap();
    assert_eq!((before.permitted, before.reason), (false, Some(NotPermitted::ConsentNone)));
    shop.record(&newsletter(Action::Granted)).await.unwrap();
    let granted = check(oubli, caller, &question).await.unwrap();
    assert_eq!((granted.permitted, granted.state), (true, State::Granted));
    assert!(granted.expires_at > granted.since);
    shop.record(&newsletter(Action::Withdrawn)).await.unwrap();
    let withdrawn = check(oubli, caller, &question).await.unwrap();
    assert_eq!(withdrawn.reason, Some(NotPermitted::ConsentWithdrawn));
    let contract = check(oubli, caller, &by_id(shop.person, "fulfil")).await.unwrap();
    assert_eq!((contract.permitted, contract.state), (true, State::None));
    shop.set_state(SubjectState::Restricted).await;
    let restricted = check(oubli, caller, &by_id(shop.person, "fulfil")).await.unwrap();
    assert_eq!(restricted.reason, Some(NotPermitted::Restricted));
}

#[tokio::test]
async fn a_single_check_of_nobody_is_refused() {
    let shop = Shop::open().await;
    let (oubli, caller) = (&shop.oubli, &shop.call.caller);
    let nobody = by_id(SubjectId::fresh(oubli.now()), "newsletter");
    assert_eq!(refused(check(oubli, caller, &nobody).await), Code::SubjectNotFound);
    let unknown = by_email("nobody@example.org", "newsletter");
    assert_eq!(refused(check(oubli, caller, &unknown).await), Code::SubjectNotFound);
    let wrong = by_email("not an address", "newsletter");
    assert_eq!(refused(check(oubli, caller, &wrong).await), Code::InvalidIdentifier);
    let purpose = by_id(shop.person, "nothing");
    assert_eq!(refused(check(oubli, caller, &purpose).await), Code::UnknownPurpose);
    shop.set_state(SubjectState::Erasing).await;
    let erasing = by_id(shop.person, "fulfil");
    assert_eq!(refused(check(oubli, caller, &erasing).await), Code::SubjectErasing);
}

#[tokio::test]
async fn a_bulk_check_answers_as_the_single_one_for_each() {
    let shop = Shop::open().await;
    let (oubli, caller) = (&shop.oubli, &shop.call.caller);
    let mut items = vec![
        by_id(SubjectId::fresh(oubli.now()), "newsletter"),
        by_email("nobody@example.org", "newsletter"),
        by_email("not an address", "newsletter"),
        by_id(shop.person, "nothing"),
        by_id(shop.person, "fulfil"),
    ];
    for (n, action) in Action::ALL.iter().cycle().take(9).enumerate() {
        let address = format!("person{n}@example.org");
        let (kind, value) = email(&address);
        let new = vec![NewIdentifier { kind, value }];
        let subject = subjects::create(oubli, &shop.call, new).await.unwrap().subject;
        record(oubli, &shop.call, subject, &newsletter(*action)).await.unwrap();
        items.extend([by_email(&address.to_uppercase(), "newsletter"), by_id(subject, "advice")]);
    }
    shop.clock.advance(1);
    let bulk = check_batch(oubli, caller, &items).await.unwrap();
    assert_eq!(bulk.len(), items.len());
    let mut permitted = 0;
    for (item, answer) in items.iter().zip(bulk) {
        let single = check(oubli, caller, item).await.map_err(|error| error.refusal());
        permitted += usize::from(answer.as_ref().is_ok_and(|checked| checked.permitted));
        assert_eq!(answer, single);
    }
    assert_eq!(permitted, 1 + 3, "the contract, and those who granted");
}

#[tokio::test]
async fn a_bulk_check_is_bounded() {
    let shop = Shop::open().await;
    let (oubli, caller) = (&shop.oubli, &shop.call.caller);
    let items = vec![by_id(shop.person, "fulfil"); 1_001];
    assert_eq!(refused(check_batch(oubli, caller, &items).await), Code::InvalidBody);
    assert_eq!(refused(check_batch(oubli, caller, &[]).await), Code::InvalidBody);
    assert_eq!(check_batch(oubli, caller, &items[1..]).await.unwrap().len(), 1_000);
}
