//! Identifiers under concurrency, and after a process died between its two databases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use futures_util::future::join_all;
use oubli_domain::{Code, IdentifierType, Pii, SubjectId};
use oubli_store::keys::blind_indexes;
use oubli_store::{identifiers, subjects};

use super::{NewIdentifier, SubjectSelector, add, create, ensure, lookup, remove};
use crate::testing::{app, oubli, refused};
use crate::{Call, Oubli};

fn email(value: &str) -> NewIdentifier {
    NewIdentifier { kind: IdentifierType::Email, value: Pii::new(value.to_owned()) }
}

fn by_email(value: &str) -> SubjectSelector {
    SubjectSelector::Identifier { kind: IdentifierType::Email, value: Pii::new(value.to_owned()) }
}

async fn person(oubli: &Oubli, call: &Call, address: &str) -> SubjectId {
    create(oubli, call, vec![email(address)]).await.unwrap().subject
}

#[tokio::test]
async fn of_many_who_add_one_identifier_one_gets_it() {
    let (_dir, oubli, _clock) = oubli().await;
    let call = Call::system(app(&oubli, "shop").await);
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(person(&oubli, &call, &format!("p{n}@example.org")).await);
    }
    let adds = people.iter().map(|p| add(&oubli, &call, *p, email("shared@example.org")));
    let results = join_all(adds).await;
    let winner = results.iter().position(Result::is_ok).unwrap();
    for (n, result) in results.into_iter().enumerate() {
        if n != winner {
            assert_eq!(refused(result), Code::IdentifierTaken);
        }
    }
    let found = lookup(&oubli, &call.caller, &by_email("shared@example.org")).await.unwrap();
    assert_eq!(found.subject, people[winner]);
}

#[tokio::test]
async fn ensures_that_bring_the_same_missing_identifier_agree() {
    let (_dir, oubli, _clock) = oubli().await;
    let call = Call::system(app(&oubli, "shop").await);
    let ada = person(&oubli, &call, "ada@example.org").await;
    let both = || vec![email("ada@example.org"), email("ada@example.net")];
    for result in join_all((0..8).map(|_| ensure(&oubli, &call, both()))).await {
        assert_eq!(result.unwrap().subject, ada);
    }
    let found = lookup(&oubli, &call.caller, &by_email("ada@example.net")).await.unwrap();
    assert_eq!((found.subject, found.identifiers.len()), (ada, 2));
}

#[tokio::test]
async fn a_removal_that_was_cut_short_leaves_nothing_that_finds_the_person() {
    let (_dir, oubli, clock) = oubli().await;
    let call = Call::system(app(&oubli, "shop").await);
    let ada = person(&oubli, &call, "ada@example.org").await;
    let shown = lookup(&oubli, &call.caller, &by_email("ada@example.org")).await.unwrap();
    let identifier = shown.identifiers[0].identifier;

    // Everything that `remove` does before the process dies.
    let (shop, at) = (call.caller.app.clone(), oubli.now());
    let of = shop.clone();
    let pending = oubli.keys().write("test", move |tx| {
        let app = of.clone();
        Box::pin(async move { blind_indexes::make_pending(tx, &app, ada, identifier, at).await })
    });
    pending.await.unwrap();
    // Not removed yet: it still finds her.
    assert!(lookup(&oubli, &call.caller, &by_email("ada@example.org")).await.is_ok());
    let deleted = oubli.data().write("test", move |tx| {
        let app = shop.clone();
        Box::pin(async move {
            subjects::lock(tx, &app, ada).await?;
            identifiers::delete(tx, &app, ada, identifier).await
        })
    });
    assert!(deleted.await.unwrap());

    let gone = lookup(&oubli, &call.caller, &by_email("ada@example.org")).await;
    assert_eq!(refused(gone), Code::SubjectNotFound);
    clock.advance(6);
    let other = person(&oubli, &call, "ada@example.org").await;
    assert_ne!(other, ada);
    assert_eq!(refused(remove(&oubli, &call, ada, identifier).await), Code::IdentifierNotFound);
}
