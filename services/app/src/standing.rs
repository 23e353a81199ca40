//! Whether a purpose holds for a person at a moment. Every read for a purpose and every consent
//! check asks here, so that all of them answer alike.

use std::collections::{HashMap, HashSet};

use oubli_domain::consent::{
    ConsentEvent, CurrentConsent, Latest, NotPermitted, Standing, State, purpose_holds,
};
use oubli_domain::data_map::LawfulBasis;
use oubli_domain::{Name, SubjectId, Time};
use oubli_store::subjects::Subject;
use oubli_store::{Conn, consents, purpose_ends};

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
    let facts = Facts::read(conn, model, subject.subject, purpose).await?;
    judge(model, subject, purpose, facts, now)
}

/// What is on record about one person and one purpose, read in the same snapshot as the subject.
#[derive(Clone, Default, Debug)]
pub(crate) struct Facts {
    /// The deciding consent event, where the purpose rests on consent.
    latest: Latest,
    /// Whether the app has ended the purpose for the person, where it rests on a contract.
    ended: bool,
}

impl Facts {
    async fn read(
        conn: &mut Conn,
        model: &Model,
        subject: SubjectId,
        purpose: &Name,
    ) -> Result<Self> {
        let app = &model.app.app;
        let mut facts = Self::default();
        match model.map()?.purpose(purpose)?.lawful_basis {
            LawfulBasis::Consent => {
                facts.latest = consents::latest(conn, app, subject, purpose).await?;
            }
            LawfulBasis::Contract => {
                facts.ended = purpose_ends::get(conn, app, subject, purpose).await?.is_some();
            }
            _ => {}
        }
        Ok(facts)
    }
}

/// As [`Facts`], of many people and purposes in a few queries.
#[derive(Debug)]
pub(crate) struct FactsOfMany {
    latest: HashMap<(SubjectId, Name), ConsentEvent>,
    ended: HashSet<(SubjectId, Name)>,
}

impl FactsOfMany {
    /// Reads what decides about these purposes; those that are not in the data map are passed over.
    pub(crate) async fn read<'n>(
        conn: &mut Conn,
        model: &Model,
        subjects: &[SubjectId],
        purposes: impl IntoIterator<Item = &'n Name>,
    ) -> Result<Self> {
        let app = &model.app.app;
        let (mut consented, mut contracted) = (Vec::new(), Vec::new());
        for name in purposes {
            match model.map()?.purpose(name).map(|purpose| purpose.lawful_basis) {
                Ok(LawfulBasis::Consent) => consented.push(name.clone()),
                Ok(LawfulBasis::Contract) => contracted.push(name.clone()),
                _ => {}
            }
        }
        let mut found = Self { latest: HashMap::new(), ended: HashSet::new() };
        if !consented.is_empty() {
            for (subject, event) in
                consents::latest_of_many(conn, app, subjects, &consented).await?
            {
                found.latest.insert((subject, event.purpose.clone()), event);
            }
        }
        if !contracted.is_empty() {
            let ended = purpose_ends::of_many(conn, app, subjects, &contracted).await?;
            found.ended = ended.into_iter().collect();
        }
        Ok(found)
    }

    /// What decides about one of them.
    pub(crate) fn of(&self, subject: SubjectId, purpose: &Name) -> Facts {
        let place = (subject, purpose.clone());
        Facts {
            latest: Latest(self.latest.get(&place).cloned()),
            ended: self.ended.contains(&place),
        }
    }
}

/// Whether `purpose` holds, by what was read in the same snapshot as the subject.
///
/// # Errors
/// `unknown-purpose`, `data-map-not-found`.
pub(crate) fn judge(
    model: &Model,
    subject: &Subject,
    purpose: &Name,
    facts: Facts,
    now: Time,
) -> Result<Checked> {
    let declared = model.map()?.purpose(purpose)?;
    let consent = CurrentConsent::of(facts.latest, &model.terms(purpose)?, now);
    // Objections are not recorded yet: nobody can have made one.
    let standing = Standing { subject: subject.state, objected: false, ended: facts.ended };
    let reason = purpose_holds(declared, &consent, standing).err();
    Ok(Checked {
        permitted: reason.is_none(),
        reason,
        state: consent.state,
        since: consent.since,
        expires_at: consent.expires_at,
    })
}
