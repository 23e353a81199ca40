//! Whether a purpose holds for a person at a moment. Every read for a purpose and every consent
//! check asks here, so that all of them answer alike.

use std::collections::{HashMap, HashSet};

use oubli_domain::consent::{
    ConsentEvent, CurrentConsent, Latest, NotPermitted, Standing, State, purpose_holds,
};
use oubli_domain::data_map::LawfulBasis;
use oubli_domain::{Name, Refusal, SubjectId, Time};
use oubli_store::seen::OfPurpose;
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

impl Checked {
    /// # Errors
    /// Unless the purpose holds: `subject-restricted` (Art. 18); `subject-erasing`;
    /// `purpose-not-permitted` with the reason.
    pub(crate) fn required(&self) -> Result<(), Refusal> {
        self.reason.map_or(Ok(()), |reason| Err(reason.into()))
    }
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
    /// Of what one look at a person and a purpose saw, that which its basis asks for.
    pub(crate) fn seen(model: &Model, purpose: &Name, seen: OfPurpose) -> Result<Self> {
        Ok(match model.map()?.purpose(purpose)?.lawful_basis {
            LawfulBasis::Consent => Self { latest: seen.latest, ended: false },
            LawfulBasis::Contract => Self { latest: Latest::default(), ended: seen.ended },
            _ => Self::default(),
        })
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
