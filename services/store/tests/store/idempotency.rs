//! Idempotency keys.

use std::sync::Arc;

use futures_util::future::try_join_all;
use oubli_domain::{AppId, Code, Refusal, SubjectId, Time};
use oubli_store::idempotency::{self, Claim};
use oubli_store::{Db, Result, StoreError, Tx};
use tokio::sync::Notify;

use crate::common::{NOON, Stores, app, both_engines, write};

const KEY: [u8; 32] = [1; 32];
const REQUEST: [u8; 32] = [2; 32];
const OTHER: [u8; 32] = [3; 32];
const ANSWER: &str = r#"{"status":201}"#;

fn tomorrow() -> Time {
    NOON.plus_seconds(86_400)
}

/// A call as handlers make it: claim, work, settle.
async fn call(tx: &mut Tx, app: &AppId, request: [u8; 32], answer: &str) -> Result<Claim> {
    let claim = idempotency::claim(tx, app, &KEY, &request, tomorrow(), NOON).await?;
    if claim == Claim::First {
        let subject = Some(SubjectId::fresh(NOON));
        idempotency::settle(tx, app, &KEY, answer, subject).await?;
    }
    Ok(claim)
}

async fn calls(db: &Db, app: &AppId, request: [u8; 32], answer: &str) -> Result<Claim> {
    let answer = answer.to_owned();
    write!(db, [app, answer], |tx| call(tx, &app, request, &answer).await)
}

async fn claim_at(db: &Db, app: &AppId, expires_at: Time, now: Time) -> Result<Claim> {
    write!(db, [app], |tx| idempotency::claim(tx, &app, &KEY, &REQUEST, expires_at, now).await)
}

fn replay(answer: &str) -> Claim {
    Claim::Replay { answer: answer.to_owned() }
}

both_engines! {
    async fn a_repeat_gets_the_first_answer_and_another_request_does_not(stores: Stores) {
        let (shop, other) = (app("shop")?, app("other")?);
        assert_eq!(calls(&stores.data, &shop, REQUEST, ANSWER).await?, Claim::First);
        assert_eq!(calls(&stores.data, &shop, REQUEST, "no").await?, replay(ANSWER));
        assert_eq!(calls(&stores.data, &shop, OTHER, "no").await?, Claim::OtherRequest);
        assert_eq!(calls(&stores.data, &other, OTHER, "yes").await?, Claim::First);
    }

    async fn a_call_that_failed_does_not_count(stores: Stores) {
        let shop = app("shop")?;
        let refused: Result<()> = write!(stores.data, [shop], |tx| {
            call(tx, &shop, REQUEST, "never").await?;
            Err(Refusal::new(Code::Held).into())
        });
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
        assert_eq!(calls(&stores.data, &shop, OTHER, ANSWER).await?, Claim::First);
    }

    async fn a_secret_is_not_shown_again(stores: Stores) {
        let shop = app("shop")?;
        assert_eq!(claim_at(&stores.data, &shop, tomorrow(), NOON).await?, Claim::First);
        assert_eq!(claim_at(&stores.data, &shop, tomorrow(), NOON).await?, Claim::SecretShown);
        assert_eq!(calls(&stores.data, &shop, OTHER, "no").await?, Claim::OtherRequest);
    }

    async fn an_expired_key_is_new_again_and_its_answer_gone(stores: Stores) {
        let shop = app("shop")?;
        calls(&stores.data, &shop, OTHER, "old").await?;
        let (next_day, later) = (tomorrow().plus_seconds(86_400), tomorrow());
        assert_eq!(claim_at(&stores.data, &shop, next_day, later).await?, Claim::First);
        assert_eq!(claim_at(&stores.data, &shop, next_day, later).await?, Claim::SecretShown);
    }

    async fn settling_needs_a_claim(stores: Stores) {
        let shop = app("shop")?;
        let settled = write!(stores.data, [shop], |tx| {
            idempotency::settle(tx, &shop, &KEY, ANSWER, None).await
        });
        assert!(matches!(settled, Err(StoreError::RowCount { actual: 0, .. })), "{settled:?}");
    }

    async fn of_concurrent_calls_exactly_one_is_first(stores: Stores) {
        let shop = app("shop")?;
        let answers: Vec<String> = (0..8).map(|n| format!("answer {n}")).collect();
        let db = &stores.data;
        let claims =
            try_join_all(answers.iter().map(|answer| calls(db, &shop, REQUEST, answer))).await?;
        let firsts: Vec<_> = claims.iter().filter(|claim| **claim == Claim::First).collect();
        assert_eq!(firsts.len(), 1, "{claims:?}");
        let winner = claims.iter().position(|claim| *claim == Claim::First).unwrap_or_default();
        let expected = replay(&answers[winner]);
        assert!(claims.iter().all(|c| *c == Claim::First || *c == expected), "{claims:?}");
    }

    async fn expired_keys_are_purged_within_the_limit(stores: Stores) {
        for name in ["a", "b", "c"] {
            claim_at(&stores.data, &app(name)?, NOON.plus_seconds(1), NOON).await?;
        }
        let keeps = app("keeps")?;
        calls(&stores.data, &keeps, REQUEST, ANSWER).await?;
        let now = NOON.plus_seconds(1);
        let db = &stores.data;
        assert_eq!(write!(db, [], |tx| idempotency::purge_expired(tx, NOON, 9).await)?, 0);
        assert_eq!(write!(db, [], |tx| idempotency::purge_expired(tx, now, 2).await)?, 2);
        assert_eq!(write!(db, [], |tx| idempotency::purge_expired(tx, now, 2).await)?, 1);
        assert_eq!(calls(db, &keeps, REQUEST, "no").await?, replay(ANSWER));
    }
}

/// Only PostgreSQL runs two transactions at once: there the repeat waits for the first call, and
/// when that does not end, PostgreSQL's lock time-out of 5 seconds ends the repeat.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_a_call_that_stays_open_is_told_so() -> anyhow::Result<()> {
    let stores = Stores::postgres().await?;
    let (shop, claimed, gate) = (app("shop")?, Arc::new(Notify::new()), Arc::new(Notify::new()));
    let first = async {
        write!(stores.data, [shop, claimed, gate], |tx| {
            let claim = call(tx, &shop, REQUEST, ANSWER).await?;
            claimed.notify_one();
            gate.notified().await;
            Ok(claim)
        })
    };
    let repeat = async {
        claimed.notified().await;
        let told = calls(&stores.data, &shop, REQUEST, "no").await;
        gate.notify_one();
        told
    };
    let (first, told) = tokio::join!(first, repeat);
    assert_eq!(first?, Claim::First);
    let refusal = match told {
        Err(StoreError::Refused(refusal)) => refusal,
        other => anyhow::bail!("the repeat was told {other:?}"),
    };
    assert_eq!(refusal.code, Code::IdempotencyInFlight);
    assert_eq!(calls(&stores.data, &shop, REQUEST, "no").await?, replay(ANSWER));
    Ok(())
}
