//! Step 8: the certificate, the cleaning of files, and the end of the request.

use oubli_domain::request::{ErasureStep, Plan, RequestState, Step, Transition};
use oubli_domain::{CertificateId, RequestId, SubjectId, Time};
use oubli_store::events::NewEvent;
use oubli_store::requests::{self, Advance};
use oubli_store::{Result as StoreResult, StoreError, Tx, certificates, events};

use super::{Outcome, Work, mark};
use crate::caller::Actor;
use crate::certificate::{Claims, KeyFate};
use crate::error::{Error, Result};
use crate::log::Entry;
use crate::signed;
use crate::worker::{Leased, Next, working};

impl Work<'_> {
    /// The certificate, the log entry and the cut of the last link to the person, all or none.
    pub(super) async fn certify(&self) -> Result<Next> {
        let now = self.oubli.now();
        let mut outcome = Outcome::of(&self.request)?;
        let certificate = CertificateId::fresh(now);
        let claims = self.claims(&outcome, certificate, now);
        let keys = self.oubli.keyring().app(&self.leased.job.app).await?;
        let jws = signed::sign(&keys.log_signing, &claims)?;
        let event = self.completed(&outcome, certificate, now)?;
        outcome.subject_ref = None;
        let end = End {
            leased: self.leased.clone(),
            request: self.id(),
            subject: self.subject()?,
            certificate,
            jws,
            event,
            outcome: outcome.text()?,
            now,
        };
        let written = self.oubli.data().write("erasure.certified", move |tx| {
            let end = end.clone();
            Box::pin(async move { end.write(tx).await })
        });
        written.await?;
        Ok(Next::Again)
    }

    fn claims(&self, outcome: &Outcome, id: CertificateId, now: Time) -> Claims {
        let root = self.oubli.keyring().root();
        let finality = if root.can_delete() {
            "Backups made before the erasure stay readable to a holder of the root key until the \
             key epoch is retired; the certificate is then issued again as final."
        } else {
            "The root key provider cannot delete a key version: the erasure is final when the last \
             backup made before it is gone."
        };
        Claims {
            iss: self.oubli.options().issuer.clone(),
            iat: now.seconds(),
            jti: id,
            app: self.leased.job.app.clone(),
            request: self.id(),
            right: self.request.right,
            received_at: self.request.received_at,
            acknowledged_at: self.request.created_at,
            completed_at: now,
            deleted: outcome.deleted.clone(),
            left: outcome.left.clone(),
            kept: outcome.plan.kept.clone(),
            deciding_plugins: deciding_plugins(&outcome.plan),
            key: KeyFate {
                epoch: outcome.epoch,
                deleted_at: outcome.keys_deleted_at,
                root_provider: root.name().to_owned(),
            },
            final_at: None,
            finality: finality.to_owned(),
        }
    }

    fn completed(
        &self,
        outcome: &Outcome,
        certificate: CertificateId,
        now: Time,
    ) -> Result<NewEvent> {
        let app = &self.leased.job.app;
        let mut entry = Entry::new()
            .fact("request", self.id().to_string())
            .fact("right", self.request.right.as_str())
            .fact("certificate", certificate.to_string());
        if let Some(subject_ref) = &outcome.subject_ref {
            entry = entry.pseudonym(unhex(subject_ref)?);
        }
        Ok(entry.event(app, &Actor::System, now, "request.completed"))
    }

    /// Only when no file holds the person's id any more is the request `completed`.
    pub(super) async fn finish(&self) -> Result<Next> {
        if !self.clean().await? {
            return Ok(Next::At(self.oubli.now().plus_seconds(1)));
        }
        let state = working(&self.request)?.after(Transition::Complete, self.request.right)?;
        let (leased, id, now) = (self.leased.clone(), self.id(), self.oubli.now());
        let written = self.oubli.data().write("erasure.completed", move |tx| {
            let leased = leased.clone();
            Box::pin(async move {
                complete(tx, &leased, id, state, now).await?;
                leased.finish(tx).await
            })
        });
        written.await?;
        Ok(Next::Done)
    }

    /// Whether the files are clean: false while a reader stands in the way.
    async fn clean(&self) -> Result<bool> {
        match self.oubli.node().cleaner.clean(self.oubli.data(), self.oubli.keys()).await {
            Err(StoreError::Contention) => Ok(false),
            result => Ok(result.map(|()| true)?),
        }
    }
}

fn deciding_plugins(plan: &Plan) -> Vec<String> {
    plan.deciding_plugins().into_iter().map(str::to_owned).collect()
}

async fn complete(
    tx: &mut Tx,
    leased: &Leased,
    request: RequestId,
    state: RequestState,
    now: Time,
) -> StoreResult<()> {
    let step = Step::Erasure(ErasureStep::Certified);
    let advance = Advance { from: step, to: step, state, outcome: None, completed_at: Some(now) };
    requests::advance(tx, &leased.job.app, request, &advance, now).await
}

/// What the certifying transaction writes.
#[derive(Clone)]
struct End {
    leased: Leased,
    request: RequestId,
    subject: SubjectId,
    certificate: CertificateId,
    jws: String,
    event: NewEvent,
    outcome: String,
    now: Time,
}

impl End {
    async fn write(self, tx: &mut Tx) -> StoreResult<()> {
        let (app, now) = (&self.leased.job.app, self.now);
        let (from, to) = (ErasureStep::Verified, ErasureStep::Certified);
        mark(tx, &self.leased, self.request, from, to, Some(self.outcome), now).await?;
        let (id, jws) = (self.certificate, self.jws.as_str());
        certificates::insert(tx, app, id, self.request, "erasure", jws, now).await?;
        let (this, reason) = (self.request, "subject-erased");
        requests::cancel_open(tx, app, self.subject, this, reason, now).await?;
        requests::unlink(tx, app, self.subject).await?;
        events::insert(tx, &self.event).await
    }
}

fn unhex(text: &str) -> Result<[u8; 32]> {
    let damaged = || Error::Damaged("requests.outcome");
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(damaged());
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * n..2 * n + 2], 16).map_err(|_| damaged())?;
    }
    Ok(bytes)
}
