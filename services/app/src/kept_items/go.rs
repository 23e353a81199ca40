//! The job by which items go that nothing keeps any more: journal, keys, rows with a supplement to
//! the certificate, and then what files keep of both. Killed anywhere, it ends in the same place: an
//! ended keeper never begins again, so that the rows say what is left to do.

use std::collections::{HashMap, hash_map};

use oubli_domain::request::{Decider, ErasureStep, Keeper, Step};
use oubli_domain::{
    AppId, CertificateId, Code, Day, HoldId, JobId, KeptItemId, Refusal, RequestId, Time,
};
use oubli_store::events::NewEvent;
use oubli_store::holds::{self, Released};
use oubli_store::jobs::{self, NewJob};
use oubli_store::kept_items::{self, Stored};
use oubli_store::{Conn, Result as StoreResult, StoreError, Tx, certificates, events};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::seal::delete_keys;
use super::supplement::{Ending, ErasedItem, Supplement};
use crate::caller::Actor;
use crate::error::{Error, Result};
use crate::journal::{JournalEntry, Replay};
use crate::log::Entry;
use crate::oubli::Oubli;
use crate::signed;
use crate::worker::{KEPT_ITEMS, Leased, Next};

/// The most items that one supplement names.
const BATCH: usize = 100;
/// How many items are looked at in one query.
const PAGE: i64 = 200;
/// The most requests of one turn of housekeeping.
const REQUESTS: i64 = 100;

/// One turn of the job.
pub(crate) async fn step(oubli: &Oubli, leased: &Leased) -> Result<Next> {
    let request = leased.request(oubli).await?;
    // The certificate names what is kept before any of it goes.
    if request.step != Step::Erasure(ErasureStep::Certified) {
        return Ok(Next::At(oubli.now().plus_seconds(1)));
    }
    let work = Work { oubli, leased, request: request.request };
    let seen = work.look().await?;
    work.set_days(seen.dated).await?;
    if seen.ended.is_empty() { work.finish().await } else { work.erase(seen.ended).await }
}

struct Work<'a> {
    oubli: &'a Oubli,
    leased: &'a Leased,
    request: RequestId,
}

/// What a look at the items of a request found.
#[derive(Default)]
struct Seen {
    /// Those that nothing keeps any more, [`BATCH`] at most.
    ended: Vec<(Stored, Vec<Ending>)>,
    /// Those that only days keep, now that their holds are released.
    dated: Vec<(KeptItemId, Day)>,
}

impl Work<'_> {
    fn app(&self) -> &AppId {
        &self.leased.job.app
    }

    async fn look(&self) -> Result<Seen> {
        let mut conn = self.oubli.data().snapshot().await?;
        let today = today(self.oubli, &mut conn, self.app()).await?;
        let (mut seen, mut after) = (Seen::default(), None);
        let mut releases: HashMap<HoldId, Option<Released>> = HashMap::new();
        loop {
            let (app, request) = (self.app(), self.request);
            let page = kept_items::list_of_request(&mut conn, app, request, None, after, PAGE);
            let page = page.await?;
            let Some(last) = page.last() else { return Ok(seen) };
            after = Some(last.id);
            for stored in page {
                learn(&mut conn, app, &stored, &mut releases).await?;
                seen.add(stored, &releases, today);
            }
        }
    }

    /// Sets the day after which an item goes, where a released hold had kept it without end.
    async fn set_days(&self, dated: Vec<(KeptItemId, Day)>) -> Result<()> {
        for some in dated.chunks(BATCH) {
            let (leased, some, now) = (self.leased.clone(), some.to_vec(), self.oubli.now());
            let written = self.oubli.data().write("kept_items.until", move |tx| {
                let (leased, some) = (leased.clone(), some.clone());
                Box::pin(async move {
                    leased.hold(tx, now).await?;
                    for (item, day) in some {
                        kept_items::set_until(tx, &leased.job.app, item, day).await?;
                    }
                    Ok(())
                })
            });
            written.await?;
        }
        Ok(())
    }

    /// Journal, then keys, then rows with the supplement.
    async fn erase(&self, ended: Vec<(Stored, Vec<Ending>)>) -> Result<Next> {
        let items: Vec<KeptItemId> = ended.iter().map(|(stored, _)| stored.id).collect();
        let entry = JournalEntry {
            v: 1,
            position: 0,
            at: self.oubli.now(),
            app: self.app().clone(),
            replay: Replay::KeptItems { request: self.request, items: items.clone() },
        };
        self.oubli.node().journal.append(entry).await?;
        delete_keys(self.oubli, self.app(), items).await?;
        match self.supplement(ended).await {
            // The job of another hold of the same person was first with one of them.
            Err(Error::Refused(refusal)) if refusal.code == Code::KeptItemNotFound => {
                Ok(Next::Again)
            }
            written => written.map(|()| Next::Again),
        }
    }

    async fn supplement(&self, ended: Vec<(Stored, Vec<Ending>)>) -> Result<()> {
        let (app, now) = (self.app(), self.oubli.now());
        let items: Vec<KeptItemId> = ended.iter().map(|(stored, _)| stored.id).collect();
        let claims = self.claims(ended, now).await?;
        let keys = self.oubli.keyring().app(app).await?;
        let jws = signed::sign(&keys.log_signing, &claims)?;
        let event = Entry::new()
            .fact("request", self.request.to_string())
            .fact("supplement", claims.jti.to_string())
            .fact("items", items.len())
            .event(app, &Actor::System, now, "kept_items.erased");
        let end = End { leased: self.leased.clone(), claims, items, jws, event, now };
        let written = self.oubli.data().write("kept_items.erase", move |tx| {
            let end = end.clone();
            Box::pin(async move { end.write(tx).await })
        });
        Ok(written.await?)
    }

    async fn claims(&self, ended: Vec<(Stored, Vec<Ending>)>, now: Time) -> Result<Supplement> {
        let mut conn = self.oubli.data().conn().await?;
        let certificate = certificates::erasure_of(&mut conn, self.app(), self.request).await?;
        let erased = ended.into_iter();
        let erased = erased.map(|(stored, ended)| ErasedItem { kept: stored.item, ended });
        Ok(Supplement {
            iss: self.oubli.options().issuer.clone(),
            iat: now.seconds(),
            jti: CertificateId::fresh(now),
            app: self.app().clone(),
            request: self.request,
            certificate: certificate.ok_or(Error::Damaged("an erasure without certificate"))?,
            keys_deleted_at: now,
            erased: erased.collect(),
            root_provider: self.oubli.keyring().root().name().to_owned(),
        })
    }

    /// Only when no file holds anything of what went is the job done.
    async fn finish(&self) -> Result<Next> {
        match self.oubli.node().cleaner.clean(self.oubli.data(), self.oubli.keys()).await {
            // A reader stands in the way.
            Err(StoreError::Contention) => return Ok(Next::At(self.oubli.now().plus_seconds(1))),
            cleaned => cleaned?,
        }
        let leased = self.leased.clone();
        let finished = self.oubli.data().write("kept_items.done", move |tx| {
            let leased = leased.clone();
            Box::pin(async move { leased.finish(tx).await })
        });
        finished.await?;
        Ok(Next::Done)
    }
}

/// What the transaction writes by which items go.
#[derive(Clone)]
struct End {
    leased: Leased,
    claims: Supplement,
    items: Vec<KeptItemId>,
    jws: String,
    event: NewEvent,
    now: Time,
}

impl End {
    /// # Errors
    /// `kept-item-not-found` when an item went since it was looked at.
    async fn write(self, tx: &mut Tx) -> StoreResult<()> {
        let (app, now) = (&self.leased.job.app, self.now);
        self.leased.hold(tx, now).await?;
        for item in self.items {
            if !kept_items::delete(tx, app, item).await? {
                return Err(Refusal::new(Code::KeptItemNotFound).into());
            }
        }
        let (id, request) = (self.claims.jti, self.claims.request);
        certificates::insert(tx, app, id, request, "supplement", &self.jws, now).await?;
        events::insert(tx, &self.event).await
    }
}

impl Seen {
    fn add(&mut self, stored: Stored, releases: &HashMap<HoldId, Option<Released>>, today: Day) {
        let ending = |keeper: &Keeper| ending(keeper, releases, today);
        let keepers = &stored.item.kept_by;
        let ended: Vec<Ending> = keepers.iter().filter_map(ending).collect();
        if ended.len() == keepers.len() {
            if self.ended.len() < BATCH {
                self.ended.push((stored, ended));
            }
            return;
        }
        let left = keepers.iter().filter(|keeper| ending(keeper).is_none());
        let days: Option<Vec<Day>> = left.map(|keeper| keeper.until).collect();
        let was_without_end = stored.item.until().is_none();
        if let Some(last) = days.and_then(|days| days.into_iter().max())
            && was_without_end
        {
            self.dated.push((stored.id, last));
        }
    }
}

/// Reads which of the holds that keep an item are released, unless it is known.
async fn learn(
    conn: &mut Conn,
    app: &AppId,
    stored: &Stored,
    releases: &mut HashMap<HoldId, Option<Released>>,
) -> StoreResult<()> {
    for hold in stored.item.holds() {
        if let hash_map::Entry::Vacant(new) = releases.entry(hold) {
            let row = holds::get(conn, app, hold).await?;
            new.insert(row.and_then(|row| row.released));
        }
    }
    Ok(())
}

/// How a keeper has ended; none while it keeps.
fn ending(
    keeper: &Keeper,
    releases: &HashMap<HoldId, Option<Released>>,
    today: Day,
) -> Option<Ending> {
    match &keeper.decider {
        Decider::Hold { hold } => {
            let end = releases.get(hold)?.as_ref()?;
            Some(Ending::Hold { hold: *hold, released_at: end.at, reason: end.reason })
        }
        Decider::Policy { plugin, .. } => {
            let until = keeper.until.filter(|until| *until < today)?;
            Some(Ending::Policy { plugin: plugin.clone(), until })
        }
    }
}

/// The civil day in the app's time zone; in UTC before the first data map.
async fn today(oubli: &Oubli, conn: &mut Conn, app: &AppId) -> Result<Day> {
    let (model, now) = (oubli.model(conn, app).await?, oubli.now());
    Ok(match model.map() {
        Ok(map) => map.day(now)?,
        Err(_) => now.day_utc(),
    })
}

/// Queues the job of an erasure of which items may go, in the transaction that ends a keeper.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn queue(
    tx: &mut Tx,
    app: &AppId,
    request: RequestId,
    job: JobId,
    at: Time,
) -> StoreResult<()> {
    let payload = request.to_string();
    let new = NewJob {
        app: app.clone(),
        job,
        kind: KEPT_ITEMS,
        subject: None,
        payload: &payload,
        run_at: at,
    };
    jobs::enqueue(tx, &new).await
}

/// Queues a job for each erasure of which something was kept until a day that is over in its app.
///
/// # Errors
/// When a database does not answer; the next turn goes on.
pub(crate) async fn queue_ended(oubli: &Oubli) -> Result<()> {
    let now = oubli.now();
    let mut conn = oubli.data().conn().await?;
    // East of Greenwich today began before it did there, and what ends goes the day after its last.
    let ending = kept_items::ending(&mut conn, now.day_utc(), REQUESTS).await?;
    for (app, request, day) in ending {
        let over = match today(oubli, &mut conn, &app).await {
            Ok(today) => day < today,
            // The app is being deleted, and this with it.
            Err(Error::Refused(_)) => false,
            Err(error) => return Err(error),
        };
        if !over {
            continue;
        }
        let queued = oubli.data().write("kept_items.queue", move |tx| {
            let app = app.clone();
            Box::pin(async move { queue(tx, &app, request, job_of(request, day), now).await })
        });
        match queued.await {
            // It waits already, or another node was first.
            Ok(()) | Err(StoreError::Duplicate { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// One job for a request and a day, whichever node queues it.
fn job_of(request: RequestId, day: Day) -> JobId {
    let digest = Sha256::new()
        .chain_update("oubli/kept-items-job/v1")
        .chain_update(request.0.as_bytes())
        .chain_update(day.0.to_be_bytes())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    JobId(Uuid::from_bytes(bytes))
}
