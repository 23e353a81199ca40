//! Calls that may be repeated: an `Idempotency-Key` makes the second answer the first one's.

use std::sync::Arc;

use oubli_domain::{Code, SubjectId, Time};
use oubli_store::idempotency::{self, Claim};
use oubli_store::{Result as StoreResult, StoreError, Tx, Work};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::caller::Call;
use crate::error::{Error, Result};
use crate::oubli::Oubli;

/// How long an answer is remembered.
const REMEMBERED_SECONDS: i64 = 24 * 3_600;

/// What makes a repeat recognisable: MACs of the key and of the request, never either itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Once {
    key: [u8; 32],
    request: [u8; 32],
}

/// Whether a repeat can be answered again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// It holds ids, versions and states.
    Repeatable,
    /// It holds a secret that is shown once: a repeat is refused.
    OneTimeSecret,
}

impl Oubli {
    /// Reads an `Idempotency-Key` with the request it came with. The key counts for one caller.
    ///
    /// # Errors
    /// `invalid-idempotency-key` unless it is 1 to 255 visible ASCII characters.
    pub fn once(
        &self,
        actor: &str,
        key: &str,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<Once> {
        let visible = key.bytes().all(|b| b.is_ascii_graphic());
        if !(1..=255).contains(&key.len()) || !visible {
            return Err(Code::InvalidIdempotencyKey.into());
        }
        let secrets = self.secrets();
        let mac = &secrets.mac;
        Ok(Once {
            key: mac.mac("oubli/idempotency-key/v1", &[actor.as_bytes(), key.as_bytes()]),
            request: mac
                .mac("oubli/idempotency-request/v1", &[method.as_bytes(), path.as_bytes(), body]),
        })
    }

    /// Runs `work` in a write transaction on `data`, once for each idempotency key: a repeat gets
    /// the answer of the first call. `subject` is whom the answer is about, so that it goes with
    /// that person.
    pub(crate) async fn write_once<T>(
        &self,
        name: &'static str,
        call: &Call,
        subject: Option<SubjectId>,
        answer: Answer,
        work: impl Work<T>,
    ) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let Some(once) = call.once else {
            return Ok(self.data().write(name, work).await?);
        };
        let (work, now) = (Arc::new(work), self.now());
        let app = call.caller.app.clone();
        let written = self
            .data()
            .write(name, move |tx| {
                let (work, app) = (Arc::clone(&work), app.clone());
                Box::pin(async move {
                    let expires = now.plus_seconds(REMEMBERED_SECONDS);
                    let claim =
                        idempotency::claim(tx, &app, &once.key, &once.request, expires, now);
                    if let Some(earlier) = replay(&claim.await?)? {
                        return Ok(earlier);
                    }
                    let value = work(tx).await?;
                    match (answer, subject) {
                        (Answer::Repeatable, _) => {
                            settle(tx, &app, &once, &value, subject).await?;
                        }
                        (Answer::OneTimeSecret, Some(subject)) => {
                            idempotency::link(tx, &app, &once.key, subject).await?;
                        }
                        (Answer::OneTimeSecret, None) => {}
                    }
                    Ok(value)
                })
            })
            .await?;
        Ok(written)
    }

    /// The answer of an earlier call with the same key, for use cases that must know before they
    /// touch the other database.
    pub(crate) async fn earlier_answer<T: DeserializeOwned>(
        &self,
        call: &Call,
        now: Time,
    ) -> Result<Option<T>> {
        let Some(once) = call.once else { return Ok(None) };
        let mut conn = self.data().conn().await?;
        let found =
            idempotency::peek(&mut conn, &call.caller.app, &once.key, &once.request, now).await?;
        found.map_or(Ok(None), |claim| replay(&claim).map_err(Error::from))
    }

    /// What a call gave that may be the repeat of one beside it: where what the first one did is why
    /// the repeat was refused, the first answer, which was written with it.
    ///
    /// # Errors
    /// What the call failed with, when it is no repeat.
    pub(crate) async fn or_earlier<T: DeserializeOwned>(
        &self,
        call: &Call,
        given: Result<T>,
    ) -> Result<T> {
        match given {
            Err(Error::Refused(refusal)) if call.once.is_some() => {
                let earlier = self.earlier_answer(call, self.now()).await?;
                earlier.ok_or(Error::Refused(refusal))
            }
            given => given,
        }
    }
}

fn replay<T: DeserializeOwned>(claim: &Claim) -> StoreResult<Option<T>> {
    match claim {
        Claim::First => Ok(None),
        Claim::Replay { answer } => serde_json::from_str(answer)
            .map(Some)
            .map_err(|_| StoreError::Damaged("idempotency.answer")),
        Claim::OtherRequest => Err(StoreError::Refused(Code::IdempotencyKeyReused.into())),
        Claim::SecretShown => Err(StoreError::Refused(Code::SecretAlreadyShown.into())),
    }
}

async fn settle<T: Serialize>(
    tx: &mut Tx,
    app: &oubli_domain::AppId,
    once: &Once,
    value: &T,
    subject: Option<SubjectId>,
) -> StoreResult<()> {
    let answer = serde_json::to_string(value)
        .map_err(|_| StoreError::Damaged("an answer to be remembered"))?;
    idempotency::settle(tx, app, &once.key, &answer, subject).await
}
