//! Certificates of erasures that no backup can undo any more are issued again, as final.

use oubli_domain::{AppId, CertificateId, RequestId, Time};
use oubli_store::keys::app_keys::{self, Epoch, RetiredEpoch};
use oubli_store::{StoreError, apps, certificates, events};

use super::Result;
use super::work::{Lease, apps};
use crate::caller::Actor;
use crate::certificate::Claims;
use crate::error::Error;
use crate::log::Entry;
use crate::oubli::Oubli;
use crate::signed::{self, Statement};

/// The most certificates that are looked at in one query.
const BATCH: i64 = 100;

/// What became of the certificates.
#[derive(Clone, Copy, Default)]
pub(super) struct Finished {
    /// How many were issued as final.
    pub(super) issued: usize,
    /// How many do not verify, or could not be signed again. They stay as they are.
    pub(super) unreadable: usize,
}

/// Issues every certificate again whose erasure is final. One that was issued already is left as it
/// is, and so is one that does not verify: it must not keep others from it.
pub(super) async fn finish_certificates(lease: &Lease<'_>) -> Result<Finished> {
    let mut done = Finished::default();
    for app in apps(lease.oubli, None).await? {
        let finality = Finality::of(lease.oubli, &app).await?;
        let mut after = None;
        loop {
            let mut conn = lease.oubli.data().conn().await?;
            let page = certificates::not_final(&mut conn, &app, after, BATCH).await?;
            drop(conn);
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (request, jws) in page {
                match finish(lease.oubli, &app, &finality, request, &jws).await {
                    Ok(issued) => done.issued += usize::from(issued),
                    // The app is being deleted: its certificates go with it.
                    Err(Error::Refused(_)) => {}
                    Err(error @ (Error::Vault(_) | Error::Token(_) | Error::Damaged(_))) => {
                        tracing::error!(error = %error, %request, "a certificate does not verify");
                        done.unreadable += 1;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    Ok(done)
}

/// What says whether an erasure of an app is final.
struct Finality {
    epochs: Vec<Epoch>,
    retired: Vec<RetiredEpoch>,
}

impl Finality {
    async fn of(oubli: &Oubli, app: &AppId) -> Result<Self> {
        let mut conn = oubli.keys().snapshot().await?;
        let (mut epochs, mut retired) =
            (app_keys::epochs(&mut conn).await?, app_keys::retired(&mut conn).await?);
        epochs.retain(|epoch| epoch.app_id == app.as_str());
        retired.retain(|epoch| epoch.app_id == app.as_str());
        Ok(Self { epochs, retired })
    }

    /// Since when no key can open a data key that was deleted at this time: every epoch that there
    /// was by then may have wrapped it.
    fn since(&self, deleted_at: Time) -> Option<Time> {
        if self.epochs.iter().any(|epoch| Time(epoch.created_at) <= deleted_at) {
            return None;
        }
        let wrapped = self.retired.iter().filter(|epoch| Time(epoch.created_at) <= deleted_at);
        let times: Option<Vec<i64>> = wrapped.map(|epoch| epoch.final_at).collect();
        times?.into_iter().max().map(Time)
    }
}

/// Issues one certificate again, if its erasure is final.
async fn finish(
    oubli: &Oubli,
    app: &AppId,
    finality: &Finality,
    request: RequestId,
    jws: &str,
) -> Result<bool, Error> {
    let keys = oubli.keyring().app(app).await?;
    let claims: Claims = keys.log_signing.verifying_key().verify_jws(Claims::TYPE, jws)?;
    let Some(final_at) = claims.key.deleted_at.and_then(|at| finality.since(at)) else {
        return Ok(false);
    };
    let (now, id) = (oubli.now(), CertificateId::fresh(oubli.now()));
    let finality = "The root key versions under which the data key was ever wrapped are deleted: no \
        backup made before the erasure can be read any more.";
    let claims = Claims {
        iat: now.seconds(),
        jti: id,
        final_at: Some(final_at),
        finality: finality.to_owned(),
        ..claims
    };
    let jws = signed::sign(&keys.log_signing, &claims)?;
    let event = Entry::new()
        .fact("request", request.to_string())
        .fact("certificate", id.to_string())
        .event(app, &Actor::System, now, "certificate.final");
    let of = app.clone();
    let written = oubli.data().write("certificates.final", move |tx| {
        let (app, jws, event) = (of.clone(), jws.clone(), event.clone());
        Box::pin(async move {
            apps::hold(tx, &app).await?;
            certificates::insert(tx, &app, id, request, "final", &jws, now).await?;
            events::insert(tx, &event).await
        })
    });
    match written.await {
        Ok(()) => Ok(true),
        Err(StoreError::Duplicate { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
