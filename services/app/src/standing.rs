//! Whether a purpose holds for a person at a moment. Every read for a purpose and every consent
//! check asks here, so that all of them answer alike.

use oubli_domain::consent::{CurrentConsent, Latest, NotPermitted, Standing, State, purpose_holds};
use oubli_domain::data_map::LawfulBasis;
use oubli_domain::{Name, Time};
use oubli_store::subjects::Subject;
use oubli_store::{Conn, consents};

use crate::error::Result;
use crate::model::Model;

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// Whether the purpose holds.
    pub permitted: bool,
    /// The first reason against it.
    pub reason: Option<NotPermitted>,
    /// The state of the person's consent; `none` where the purpose does not rest on consent.
    pub state: State,
    /// Since when that state is the one.
    pub since: Option<Time>,
    /// When a grant ends or ended by itself.
    pub expires_at: Option<Time>,
}

/// Refuses unless `purpose` holds for `subject` at `now`, by what `conn` sees.
///
/// # Errors
/// `unknown-purpose`; `subject-restricted` (Art. 18); `subject-erasing`; `purpose-not-permitted`
/// with the reason.
pub(crate) async fn require_purpose(
    conn: &mut Conn,
    model: &Model,
    subject: &Subject,
    purpose: &Name,
    now: Time,
) -> Result<()> {
    let checked = check(conn, model, subject, purpose, now).await?;
    checked.reason.map_or(Ok(()), |reason| Err(oubli_domain::Refusal::from(reason).into()))
}

/// Whether `purpose` holds for `subject` at `now`, by what `conn` sees.
///
/// # Errors
/// `unknown-purpose`, `data-map-not-found`.
pub(crate) async fn check(
    conn: &mut Conn,
    model: &Model,
    subject: &Subject,
    purpose: &Name,
    now: Time,
) -> Result<Checked> {
    let latest = if rests_on_consent(model, purpose)? {
        consents::latest(conn, &model.app.app, subject.subject, purpose).await?
    } else {
        Latest::default()
    };
    judge(model, subject, purpose, latest, now)
}

/// Whether `purpose` holds, from the deciding consent event that was read in the same snapshot as
/// the subject.
///
/// # Errors
/// `unknown-purpose`, `data-map-not-found`.
pub(crate) fn judge(
    model: &Model,
    subject: &Subject,
    purpose: &Name,
    latest: Latest,
    now: Time,
) -> Result<Checked> {
    let declared = model.map()?.purpose(purpose)?;
    let latest =
        if declared.lawful_basis == LawfulBasis::Consent { latest } else { Latest::default() };
    let consent = CurrentConsent::of(latest, &model.terms(purpose)?, now);
    // Objections and ended contracts are not recorded yet: nobody can have made one.
    let standing = Standing { subject: subject.state, objected: false, ended: false };
    let reason = purpose_holds(declared, &consent, standing).err();
    Ok(Checked {
        permitted: reason.is_none(),
        reason,
        state: consent.state,
        since: consent.since,
        expires_at: consent.expires_at,
    })
}

/// Whether the data map in force rests `purpose` on consent (Art. 6(1)(a)).
///
/// # Errors
/// `unknown-purpose`, `data-map-not-found`.
pub(crate) fn rests_on_consent(model: &Model, purpose: &Name) -> Result<bool> {
    Ok(model.map()?.purpose(purpose)?.lawful_basis == LawfulBasis::Consent)
}
