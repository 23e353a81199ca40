//! Following requests: their rows, their certificate, and what an erasure would do.

use oubli_domain::request::Plan;
use oubli_domain::{Code, RequestId, SubjectId};
use oubli_store::exports::{self, Export};
use oubli_store::requests::Request;
use oubli_store::{certificates, requests, subjects};

use crate::caller::Caller;
use crate::erasure;
use crate::error::Result;
use crate::oubli::Oubli;
use crate::subjects::{SubjectSelector, resolve};

/// A request with what it made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Details {
    /// Its row.
    pub request: Request,
    /// The bundle, from its beginning until it is deleted.
    pub export: Option<Export>,
    /// Whether it has a certificate.
    pub certificate: bool,
}

/// One request.
///
/// # Errors
/// `request-not-found`.
pub async fn get(oubli: &Oubli, caller: &Caller, request: RequestId) -> Result<Details> {
    let mut conn = oubli.data().snapshot().await?;
    let app = &caller.app;
    let row = requests::get(&mut conn, app, request).await?.ok_or(Code::RequestNotFound)?;
    Ok(Details {
        export: exports::by_request(&mut conn, app, request).await?,
        certificate: certificates::of_request(&mut conn, app, request).await?.is_some(),
        request: row,
    })
}

/// A page of at most `limit` requests after `after`, oldest first; those of one subject when it is
/// given. The requests of an erased person belong to nobody.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    oubli: &Oubli,
    caller: &Caller,
    subject: Option<SubjectId>,
    after: Option<RequestId>,
    limit: u32,
) -> Result<Vec<Request>> {
    let mut conn = oubli.data().conn().await?;
    Ok(requests::list(&mut conn, &caller.app, subject, after, limit.into()).await?)
}

/// The certificate of a request, as JWS compact serialisation.
///
/// # Errors
/// `request-not-found`; `certificate-not-found` before there is one.
pub async fn certificate(oubli: &Oubli, caller: &Caller, request: RequestId) -> Result<String> {
    let mut conn = oubli.data().snapshot().await?;
    requests::get(&mut conn, &caller.app, request).await?.ok_or(Code::RequestNotFound)?;
    let found = certificates::of_request(&mut conn, &caller.app, request).await?;
    Ok(found.ok_or(Code::CertificateNotFound)?)
}

/// What an erasure of the person would do now; nothing is changed.
///
/// # Errors
/// `subject-not-found`, `subject-erasing`, `invalid-identifier`.
pub async fn preview(oubli: &Oubli, caller: &Caller, selector: &SubjectSelector) -> Result<Plan> {
    let mut conn = oubli.data().conn().await?;
    let model = oubli.model(&mut conn, &caller.app).await?;
    let subject = resolve(oubli, &caller.app, &model, selector).await?;
    subjects::require(&mut conn, &caller.app, subject).await?;
    drop(conn);
    erasure::plan(oubli, &caller.app, subject).await
}
