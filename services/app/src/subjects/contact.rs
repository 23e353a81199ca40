//! Contact that comes from the person: retention may count from it.

use std::collections::BTreeMap;

use oubli_domain::{AppId, Code, Day, Name, Refusal, SubjectId, Time};
use oubli_store::events::{self, NewEvent};
use oubli_store::{Result as StoreResult, StoreError, Tx, apps, records, subjects};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::caller::Call;
use crate::error::Result;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::retry::retry_stale;

/// The last contact that is on record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// When it was.
    pub last_contact: Time,
}

/// Records that the person made contact at `at`, or now. The last contact never moves back: an
/// earlier one changes nothing. Records whose retention counts from the last contact count from the
/// new one.
///
/// Its transaction writes every record of the person in those categories, which may be more than
/// the usual bound of 1,000 rows: a record must not count from a contact that is no longer the last.
///
/// # Errors
/// `future-time`; `subject-not-found`, `subject-erasing`.
pub async fn contact(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    at: Option<Time>,
) -> Result<Contact> {
    if at.is_some_and(|at| at > oubli.now()) {
        return Err(Refusal::new(Code::FutureTime).at("/at", "must not lie in the future").into());
    }
    retry_stale(|| async {
        if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
            return Ok(earlier);
        }
        let draft = Draft::new(oubli, call, subject, at).await?;
        oubli
            .write_once("subjects.contact", call, Some(subject), Answer::Repeatable, move |tx| {
                let draft = draft.clone();
                Box::pin(async move { draft.apply(tx).await })
            })
            .await
    })
    .await
}

/// A contact that only needs its transaction.
#[derive(Clone, Debug)]
struct Draft {
    app: AppId,
    subject: SubjectId,
    at: Time,
    /// The version of the data map that says which records count from it, and from which day.
    map: i64,
    starts: BTreeMap<Name, Day>,
    event: NewEvent,
}

impl Draft {
    async fn new(oubli: &Oubli, call: &Call, subject: SubjectId, at: Option<Time>) -> Result<Self> {
        let (app, now) = (call.caller.app.clone(), oubli.now());
        let mut conn = oubli.data().snapshot().await?;
        let model = oubli.model(&mut conn, &app).await?;
        subjects::require(&mut conn, &app, subject).await?;
        drop(conn);
        let at = at.unwrap_or(now);
        let starts = match model.map() {
            Ok(map) => map.clock_starts_of_contact(at)?,
            // Before the first data map there are no records.
            Err(_) => BTreeMap::new(),
        };
        let key = oubli.keyring().data_key(&app, subject).await?;
        let event = Entry::about(subject, &key).payload(json!({ "at": at })).event(
            &app,
            &call.caller.actor,
            now,
            "subject.contacted",
        );
        Ok(Self { app, subject, at, map: model.app.data_map_version, starts, event })
    }

    /// # Errors
    /// [`StoreError::Stale`] when another data map is in force by now.
    async fn apply(&self, tx: &mut Tx) -> StoreResult<Contact> {
        let (app, subject) = (&self.app, self.subject);
        let row = subjects::lock_alone(tx, app, subject).await?;
        if self.at <= row.last_contact {
            return Ok(Contact { last_contact: row.last_contact });
        }
        if apps::get(tx, app).await?.is_none_or(|app| app.data_map_version != self.map) {
            return Err(StoreError::Stale);
        }
        subjects::set_last_contact(tx, app, subject, self.at).await?;
        for (category, day) in &self.starts {
            records::set_clock_start(tx, app, subject, category, *day).await?;
        }
        events::insert(tx, &self.event).await?;
        Ok(Contact { last_contact: self.at })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use futures_util::future::join_all;
    use oubli_domain::{Code, Day, SubjectId, Time};
    use oubli_store::{events, records};
    use serde_json::json;

    use super::contact;
    use crate::requests::world::World;
    use crate::subjects::get;
    use crate::testing::{START, refused};

    const DAY: i64 = 86_400;

    /// The days on which retention starts, of all of a person's records.
    async fn starts(world: &World, person: SubjectId) -> Vec<(String, Option<Day>)> {
        let mut conn = world.oubli.data().conn().await.unwrap();
        let all = records::page(&mut conn, &world.app, person, None, 100).await.unwrap();
        all.into_iter().map(|r| (r.key.category.to_string(), r.clock_start)).collect()
    }

    async fn last_contact(world: &World, person: SubjectId) -> Time {
        get(&world.oubli, &world.caller(), person).await.unwrap().last_contact
    }

    #[tokio::test]
    async fn retention_counts_from_the_last_contact_where_the_category_says_so() {
        let world = World::new().await;
        let (ada, call) = (world.person("ada").await, world.call());
        world.put(ada, "profile", "main", json!({ "name": "Ada" })).await;
        world.put(ada, "invoice", "1", json!({ "total": 1 })).await;
        assert_eq!(last_contact(&world, ada).await, START);
        world.clock.advance(30 * DAY);
        let at = START.plus_seconds(20 * DAY);
        let made = contact(&world.oubli, &call, ada, Some(at)).await.unwrap();
        assert_eq!((made.last_contact, last_contact(&world, ada).await), (at, at));
        let (created, contacted) = (Some(START.day_utc()), Some(at.day_utc()));
        let both = vec![("invoice".to_owned(), created), ("profile".to_owned(), contacted)];
        assert_eq!(starts(&world, ada).await, both);
        let earlier = contact(&world.oubli, &call, ada, Some(START.plus_seconds(DAY))).await;
        assert_eq!(earlier.unwrap(), made, "it never moves back");
        assert_eq!(starts(&world, ada).await, both);
        let future = world.oubli.now().plus_seconds(1);
        let refusal = contact(&world.oubli, &call, ada, Some(future)).await;
        assert_eq!(refused(refusal), Code::FutureTime);
        let now = contact(&world.oubli, &call, ada, None).await.unwrap();
        assert_eq!(now.last_contact, world.oubli.now());
        let mut conn = world.oubli.data().conn().await.unwrap();
        let kind = "subject.contacted";
        let logged = events::of_subject(&mut conn, &world.app, ada, kind, None, 10).await.unwrap();
        assert_eq!(logged.len(), 2, "what changes nothing is not logged");
    }

    #[tokio::test]
    async fn no_record_that_is_written_beside_a_contact_counts_from_an_older_one() {
        let world = World::new().await;
        let (ada, call) = (world.person("ada").await, world.call());
        world.clock.advance(40 * DAY);
        let puts = (0..20).map(|n| {
            let (world, record) = (&world, format!("r-{n}"));
            async move { world.put(ada, "profile", &record, json!({ "name": "Ada" })).await }
        });
        let contacts = (1..=10).map(|n| {
            let (oubli, call) = (&world.oubli, &call);
            let at = Some(START.plus_seconds(n * DAY));
            async move { contact(oubli, call, ada, at).await.unwrap() }
        });
        tokio::join!(join_all(puts), join_all(contacts));
        let last = START.plus_seconds(10 * DAY);
        assert_eq!(last_contact(&world, ada).await, last);
        let starts = starts(&world, ada).await;
        assert_eq!(starts.len(), 20);
        assert!(starts.iter().all(|(_, day)| *day == Some(last.day_utc())), "{starts:?}");
    }
}
