//! The job of an export, and its download. Owns what stands in a bundle and how it is sealed. It
//! must not know how a job is leased or how bytes reach the person.
//!
//! A bundle is built in short reads, so it is no single moment: each part says what was stored when
//! it was read. Everything read is decrypted under the built-in purpose `subject-request`.

mod bundle;
mod download;
mod information;
mod parts;

use oubli_domain::request::{ExportStep, RequestState, Step, Transition};
use oubli_domain::{AppId, Code, ExportId, RequestId, SubjectId, Time};
use oubli_store::exports::{self, Export};
use oubli_store::requests::{self, Advance, Request};
use oubli_store::{StoreError, events, subjects};
use oubli_vault::BundleKey;
use serde_json::json;

use crate::caller::Actor;
use crate::error::{Error, Result};
use crate::log::Entry;
use crate::model::Model;
use crate::oubli::Oubli;
use crate::worker::{Leased, Next, working};

use bundle::Bundle;
pub use download::{Download, IssuedDownload, issue_download, open_download};

/// The built-in purpose under which a bundle is read.
pub(crate) const SUBJECT_REQUEST: &str = "subject-request";

/// Does the step that comes after the one the request has reached.
pub(crate) async fn step(oubli: &Oubli, leased: &Leased) -> Result<Next> {
    let request = leased.request(oubli).await?;
    let Step::Export(done) = request.step else {
        return Err(Error::Damaged("the step of an export"));
    };
    let Some(subject) = request.subject else { return abandon(oubli, leased, &request).await };
    let work = Work { oubli, leased, request, subject };
    let result = match done {
        ExportStep::Started => Box::pin(work.build()).await,
        ExportStep::Built => work.finish(ExportStep::Built, ExportStep::Ready).await,
        ExportStep::Ready => work.finish(ExportStep::Ready, ExportStep::Ready).await,
    };
    match result {
        Err(Error::Refused(refusal))
            if matches!(refusal.code, Code::SubjectErasing | Code::SubjectNotFound) =>
        {
            abandon(oubli, leased, &work.request).await
        }
        result => result,
    }
}

/// The person is being erased: there is nobody left to hand a bundle to. The bundle itself goes
/// with the erasure.
async fn abandon(oubli: &Oubli, leased: &Leased, request: &Request) -> Result<Next> {
    let (leased, id, now) = (leased.clone(), request.request, oubli.now());
    let state = match request.state {
        state if state.is_final() => None,
        state => Some(state.after(Transition::Cancel, request.right)?),
    };
    let written = oubli.data().write("export.abandoned", move |tx| {
        let leased = leased.clone();
        Box::pin(async move {
            if let Some(state) = state {
                let app = &leased.job.app;
                requests::set_state(tx, app, id, state, "subject-erased", now).await?;
            }
            leased.finish(tx).await
        })
    });
    written.await?;
    Ok(Next::Done)
}

/// One turn of an export.
struct Work<'a> {
    oubli: &'a Oubli,
    leased: &'a Leased,
    request: Request,
    subject: SubjectId,
}

impl Work<'_> {
    /// Builds the bundle anew: what an earlier turn left half-built goes first.
    async fn build(&self) -> Result<Next> {
        let app = &self.leased.job.app;
        let mut conn = self.oubli.data().conn().await?;
        let model = self.oubli.model(&mut conn, app).await?;
        drop(conn);
        let now = self.oubli.now();
        // A bound for what a build that dies leaves behind; it counts anew once the bundle is ready.
        let expires_at = expiry(&model, now);
        let data_key = self.oubli.keyring().data_key(app, self.subject).await?;
        let (export, key) = (ExportId::fresh(now), BundleKey::generate());
        let row = Export {
            export,
            subject: self.subject,
            request: self.request.request,
            wrapped_key: key.wrap(&data_key, &export.to_string())?,
            chunks: 0,
            bytes: 0,
            ready: false,
            token_mac: None,
            tries: 0,
            expires_at,
            used_at: None,
        };
        self.start(row, now).await?;
        let bundle = Bundle::new(self.oubli, self.leased, self.subject, export, &key);
        let parts = parts::write(self.oubli, &self.request, &model, &data_key, bundle);
        let built = Box::pin(parts).await?;
        let event = Entry::about(self.subject, &data_key)
            .fact("request", self.request.request.to_string())
            .fact("right", self.request.right.as_str())
            .payload(json!({ "purpose": SUBJECT_REQUEST, "export": export.to_string() }))
            .event(app, &Actor::System, self.oubli.now(), "request.exported");
        let (leased, id, subject) = (self.leased.clone(), self.request.request, self.subject);
        let running = working(&self.request)?;
        let written = self.oubli.data().write("export.built", move |tx| {
            let (leased, event) = (leased.clone(), event.clone());
            Box::pin(async move {
                let app = &leased.job.app;
                subjects::lock(tx, app, subject).await?;
                leased.hold(tx, now).await?;
                exports::finish(tx, app, export, built.chunks, built.bytes).await?;
                events::insert(tx, &event).await?;
                let step = advance(ExportStep::Started, ExportStep::Built, running, None);
                requests::advance(tx, app, id, &step, now).await
            })
        });
        written.await?;
        Ok(Next::Again)
    }

    /// Deletes what is there of a bundle and begins this one.
    async fn start(&self, row: Export, now: Time) -> Result<()> {
        let (leased, id) = (self.leased.clone(), self.request.request);
        let app = &leased.job.app;
        let running = working(&self.request)?;
        while let Some(old) = self.earlier().await? {
            delete(self.oubli, app, old.export).await?;
        }
        let written = self.oubli.data().write("export.started", move |tx| {
            let (leased, row) = (leased.clone(), row.clone());
            Box::pin(async move {
                let app = &leased.job.app;
                subjects::lock(tx, app, row.subject).await?;
                leased.hold(tx, now).await?;
                exports::insert(tx, app, &row, now).await?;
                let step = advance(ExportStep::Started, ExportStep::Started, running, None);
                requests::advance(tx, app, id, &step, now).await
            })
        });
        Ok(written.await?)
    }

    /// What an earlier attempt left.
    async fn earlier(&self) -> Result<Option<Export>> {
        let mut conn = self.oubli.data().conn().await?;
        Ok(exports::by_request(&mut conn, &self.leased.job.app, self.request.request).await?)
    }

    /// The bundle can be downloaded, from now on for as long as the app has set.
    async fn finish(&self, from: ExportStep, to: ExportStep) -> Result<Next> {
        let (leased, id) = (self.leased.clone(), self.request.request);
        let (subject, now) = (self.subject, self.oubli.now());
        let mut conn = self.oubli.data().conn().await?;
        let model = self.oubli.model(&mut conn, &leased.job.app).await?;
        drop(conn);
        let expires_at = expiry(&model, now);
        let state = working(&self.request)?.after(Transition::Complete, self.request.right)?;
        let built = self.earlier().await?.ok_or(Error::Damaged("the bundle of an export"))?;
        let written = self.oubli.data().write("export.ready", move |tx| {
            let leased = leased.clone();
            Box::pin(async move {
                let app = &leased.job.app;
                subjects::lock(tx, app, subject).await?;
                exports::set_expiry(tx, app, built.export, expires_at).await?;
                let step = advance(from, to, state, Some(now));
                requests::advance(tx, app, id, &step, now).await?;
                leased.finish(tx).await
            })
        });
        written.await?;
        Ok(Next::Done)
    }
}

/// When a bundle that is ready at `from` can no longer be downloaded.
fn expiry(model: &Model, from: Time) -> Time {
    from.plus_seconds(i64::from(model.settings.download_hours) * 3_600)
}

/// Deletes a bundle with its chunks.
pub(crate) async fn delete(oubli: &Oubli, app: &AppId, export: ExportId) -> Result<()> {
    loop {
        let of = app.clone();
        let gone = oubli.data().write("exports.delete", move |tx| {
            let app = of.clone();
            Box::pin(async move { exports::delete_some(tx, &app, export).await })
        });
        if gone.await? {
            return Ok(());
        }
    }
}

fn advance(
    from: ExportStep,
    to: ExportStep,
    state: RequestState,
    completed_at: Option<Time>,
) -> Advance {
    Advance { from: Step::Export(from), to: Step::Export(to), state, outcome: None, completed_at }
}

/// A bundle's row of a request that is whole.
///
/// # Errors
/// `request-not-found`; `illegal-transition` for an erasure; `export-not-ready`;
/// `download-not-found` when it was downloaded or has expired.
async fn ready_export(
    conn: &mut oubli_store::Conn,
    app: &oubli_domain::AppId,
    id: RequestId,
    now: Time,
) -> Result<Export> {
    let request = requests::get(conn, app, id).await?.ok_or(Code::RequestNotFound)?;
    let Step::Export(step) = request.step else { return Err(Code::IllegalTransition.into()) };
    if step != ExportStep::Ready {
        return Err(Code::ExportNotReady.into());
    }
    let export = exports::by_request(conn, app, id).await?.ok_or(Code::DownloadNotFound)?;
    if export.used_at.is_some() || export.expires_at <= now {
        return Err(Code::DownloadNotFound.into());
    }
    Ok(export)
}

/// A lock that found nobody, as an answer about a download: whoever holds a token learns no more.
fn hide_subject(error: StoreError) -> Error {
    match error {
        StoreError::Refused(_) => Code::DownloadNotFound.into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests;
