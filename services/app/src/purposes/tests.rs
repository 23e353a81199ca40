#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oubli_domain::Code;
use oubli_domain::consent::NotPermitted;
use oubli_domain::request::SubjectState;
use oubli_store::{events, subjects};

use super::{end, resume, standings};
use crate::consents::{CheckItem, check, check_batch};
use crate::requests::world::{World, name};
use crate::subjects::SubjectSelector;
use crate::testing::refused;

#[tokio::test]
async fn an_ended_contract_holds_for_everybody_else_until_it_is_resumed() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let (oubli, call) = (&world.oubli, world.call());
    let purpose = name("fulfil");
    let item = |who| CheckItem { subject: SubjectSelector::Id(who), purpose: purpose.clone() };
    let ended = end(oubli, &call, ada, &purpose).await.unwrap();
    world.clock.advance(60);
    assert_eq!(end(oubli, &call, ada, &purpose).await.unwrap(), ended, "the first end stands");
    let reason = check(oubli, &call.caller, &item(ada)).await.unwrap().reason;
    assert_eq!(reason, Some(NotPermitted::Ended));
    let both = check_batch(oubli, &call.caller, &[item(ada), item(bob)]).await.unwrap();
    let permitted: Vec<bool> = both.into_iter().map(|c| c.unwrap().permitted).collect();
    assert_eq!(permitted, [false, true]);
    let all = standings(oubli, &call.caller, ada).await.unwrap();
    let told: Vec<_> = all.iter().map(|s| (s.purpose.as_str(), s.checked.permitted)).collect();
    assert_eq!(told, [("books", true), ("fulfil", false), ("newsletter", false)]);
    assert_eq!(all[1].ended_at, Some(ended.ended_at));
    for _ in 0..2 {
        resume(oubli, &call, ada, &purpose).await.unwrap();
        assert!(check(oubli, &call.caller, &item(ada)).await.unwrap().permitted);
    }
    for (kind, count) in [("purpose.ended", 1), ("purpose.resumed", 1)] {
        let mut conn = oubli.data().conn().await.unwrap();
        let logged = events::of_subject(&mut conn, &world.app, ada, kind, None, 10).await.unwrap();
        assert_eq!(logged.len(), count, "what changes nothing is not logged");
        assert!(logged.iter().all(|event| event.payload == r#"{"purpose":"fulfil"}"#));
    }
}

#[tokio::test]
async fn what_cannot_be_ended_is_refused() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let (oubli, call) = (&world.oubli, world.call());
    for (purpose, code) in [
        ("newsletter", Code::PurposeNotContract),
        ("books", Code::PurposeNotContract),
        ("absent", Code::PurposeNotFound),
    ] {
        assert_eq!(refused(end(oubli, &call, ada, &name(purpose)).await), code);
        assert_eq!(refused(resume(oubli, &call, ada, &name(purpose)).await), code);
    }
    let purpose = name("fulfil");
    let set = |to| {
        let app = world.app.clone();
        oubli.data().write("test", move |tx| {
            let app = app.clone();
            Box::pin(async move { subjects::set_state(tx, &app, ada, to).await })
        })
    };
    set(SubjectState::Restricted).await.unwrap();
    end(oubli, &call, ada, &purpose).await.unwrap();
    assert_eq!(refused(resume(oubli, &call, ada, &purpose).await), Code::SubjectRestricted);
    set(SubjectState::Erasing).await.unwrap();
    assert_eq!(refused(end(oubli, &call, ada, &purpose).await), Code::SubjectErasing);
    assert_eq!(refused(resume(oubli, &call, ada, &purpose).await), Code::SubjectErasing);
    assert_eq!(refused(standings(oubli, &call.caller, ada).await), Code::SubjectErasing);
}
