//! Making a request.

use oubli_domain::request::{RequestScope, RequestState, Step, SubjectState};
use oubli_domain::{AppId, Code, JobId, Refusal, RequestId, Right, SubjectId, Time};
use oubli_store::events::NewEvent;
use oubli_store::requests::Request;
use oubli_store::{Result as StoreResult, Tx, events, jobs, requests, subjects};
use serde::{Deserialize, Serialize};

use crate::caller::Call;
use crate::error::Result;
use crate::log::Entry;
use crate::model::Model;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::subjects::{SubjectSelector, resolve};
use crate::worker;

/// A request as a caller sends it.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// What the person asks for.
    pub right: Right,
    /// Who the person is.
    pub subject: SubjectSelector,
    /// What it covers; everything when empty.
    pub scope: RequestScope,
    /// When the controller received it; now when absent.
    pub received_at: Option<Time>,
}

/// A request that was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Accepted {
    /// Its id.
    pub request: RequestId,
    /// What it asks for.
    pub right: Right,
    /// `received`.
    pub state: RequestState,
    /// When the controller received it.
    pub received_at: Time,
    /// When the service learned of it.
    pub created_at: Time,
}

/// Makes a request and queues its job. For an erasure the answer is the acknowledgement: from here
/// on the subject is `erasing`, and calls that start later find nobody.
///
/// # Errors
/// `invalid-body` for a right that is not served here and for an erasure of a part; `future-time`;
/// `unknown-purpose`, `unknown-category` in the scope; `data-map-not-found`; `subject-not-found`,
/// `subject-erasing`.
pub async fn create(oubli: &Oubli, call: &Call, new: NewRequest) -> Result<Accepted> {
    // An erasure that was accepted is why its repeat finds nobody.
    let accepted = accept(oubli, call, new).await;
    oubli.or_earlier(call, accepted).await
}

async fn accept(oubli: &Oubli, call: &Call, new: NewRequest) -> Result<Accepted> {
    let at = oubli.now();
    if let Some(earlier) = oubli.earlier_answer(call, at).await? {
        return Ok(earlier);
    }
    let app = &call.caller.app;
    let mut conn = oubli.data().conn().await?;
    let model = oubli.model(&mut conn, app).await?;
    check(&new, &model, at)?;
    let subject = resolve(oubli, app, &model, &new.subject).await?;
    subjects::require(&mut conn, app, subject).await?;
    drop(conn);
    let draft = Draft::new(oubli, call, new, subject, at).await?;
    let accepted = draft.write(oubli, call).await?;
    if accepted.right == Right::Erasure {
        oubli.keyring().forget(app, subject);
    }
    oubli.node().wake();
    Ok(accepted)
}

fn check(new: &NewRequest, model: &Model, now: Time) -> Result<(), Refusal> {
    if !new.right.served() {
        return Err(Refusal::new(Code::InvalidBody)
            .detail("Rectification, restriction and objection have no job here yet.")
            .at("/right", "must be access, portability or erasure"));
    }
    if new.received_at.is_some_and(|at| at > now) {
        return Err(Refusal::new(Code::FutureTime).at("/received_at", "lies in the future"));
    }
    if new.right == Right::Erasure {
        return check_erasure(&new.scope);
    }
    new.scope.check(model.map()?).map_err(|refusal| refusal.below("/scope"))
}

fn check_erasure(scope: &RequestScope) -> Result<(), Refusal> {
    if scope.is_everything() {
        return Ok(());
    }
    Err(Refusal::new(Code::InvalidBody)
        .detail("An erasure covers the whole person; delete records to take out a part.")
        .at("/scope", "must be empty for an erasure"))
}

/// Whom the log says it is about. A person whose key was lost can be served nothing but an erasure,
/// and that must go on: it is logged about nobody.
async fn entry(oubli: &Oubli, app: &AppId, right: Right, subject: SubjectId) -> Result<Entry> {
    if right != Right::Erasure {
        return Ok(Entry::about(subject, &*oubli.keyring().data_key(app, subject).await?));
    }
    let key = oubli.keyring().data_key_if_any(app, subject).await?;
    Ok(key.map_or_else(Entry::new, |key| Entry::about(subject, &key)))
}

/// A request as it is about to be written.
#[derive(Clone)]
struct Draft {
    app: AppId,
    row: Request,
    subject: SubjectId,
    job: JobId,
    event: NewEvent,
}

impl Draft {
    async fn new(
        oubli: &Oubli,
        call: &Call,
        new: NewRequest,
        subject: SubjectId,
        at: Time,
    ) -> Result<Self> {
        let app = call.caller.app.clone();
        let entry = entry(oubli, &app, new.right, subject).await?;
        let request = RequestId::fresh(at);
        let event = entry
            .fact("request", request.to_string())
            .fact("right", new.right.as_str())
            .event(&app, &call.caller.actor, at, "request.created");
        let step = Step::first(new.right).ok_or(Code::InvalidBody)?;
        let row = Request {
            request,
            subject: Some(subject),
            right: new.right,
            state: RequestState::Received,
            step,
            scope: new.scope,
            reason: None,
            outcome: None,
            received_at: new.received_at.unwrap_or(at),
            created_at: at,
            created_by: call.caller.actor.to_string(),
            updated_at: at,
            completed_at: None,
        };
        Ok(Self { app, row, subject, job: JobId::fresh(at), event })
    }

    async fn write(self, oubli: &Oubli, call: &Call) -> Result<Accepted> {
        let subject = self.subject;
        oubli
            .write_once("requests.create", call, Some(subject), Answer::Repeatable, move |tx| {
                let draft = self.clone();
                Box::pin(async move { draft.insert(tx).await })
            })
            .await
    }

    async fn insert(&self, tx: &mut Tx) -> StoreResult<Accepted> {
        let erasure = self.row.right == Right::Erasure;
        if erasure {
            subjects::lock_alone(tx, &self.app, self.subject).await?;
        } else {
            subjects::lock(tx, &self.app, self.subject).await?;
        }
        requests::insert(tx, &self.app, &self.row).await?;
        if erasure {
            subjects::set_state(tx, &self.app, self.subject, SubjectState::Erasing).await?;
        }
        let payload = self.row.request.to_string();
        let job = jobs::NewJob {
            app: self.app.clone(),
            job: self.job,
            kind: worker::kind_of(self.row.right),
            // An erasure deletes the jobs of its subject and must not delete its own.
            subject: (!erasure).then_some(self.subject),
            payload: &payload,
            run_at: self.row.created_at,
        };
        jobs::enqueue(tx, &job).await?;
        events::insert(tx, &self.event).await?;
        Ok(Accepted {
            request: self.row.request,
            right: self.row.right,
            state: self.row.state,
            received_at: self.row.received_at,
            created_at: self.row.created_at,
        })
    }
}
