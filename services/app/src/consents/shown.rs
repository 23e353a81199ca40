//! What a person was shown: resolving a version and a language to a text that there is.

use std::collections::{BTreeMap, HashMap};

use oubli_domain::consent::{Action, ConsentEvent, Language, Shown};
use oubli_domain::data_map::LawfulBasis;
use oubli_domain::{AppId, Code, Name, Refusal};
use oubli_store::{Conn, notices};

use super::event::NewConsent;
use crate::error::{Error, Result};
use crate::model::Model;

/// The languages of the versions that were asked for, each read once.
#[derive(Default)]
pub(super) struct Texts(HashMap<(Name, u32), Vec<Language>>);

impl Texts {
    /// The languages of a version; none when there is no such version.
    async fn languages(
        &mut self,
        conn: &mut Conn,
        app: &AppId,
        notice: &Name,
        version: u32,
    ) -> Result<&[Language]> {
        let place = (notice.clone(), version);
        if !self.0.contains_key(&place) {
            let stored = notices::get(conn, app, notice, Some(version.into())).await?;
            let texts: BTreeMap<Language, String> = match stored {
                None => BTreeMap::new(),
                Some(stored) => serde_json::from_str(&stored.texts_json)
                    .map_err(|_| Error::Damaged("notices.texts"))?,
            };
            self.0.insert(place.clone(), texts.into_keys().collect());
        }
        Ok(self.0.get(&place).map_or(&[], Vec::as_slice))
    }
}

/// What was found about an event that is to be recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Facts {
    /// The text that the person was shown.
    pub(super) shown: Option<Shown>,
    /// Whether the purpose is one of the data map in force, and rests on consent.
    pub(super) in_force: bool,
}

/// Checks an event against the data map and the notices. What was shown is a text of the purpose's
/// notice, or of the one that is `named`, as an import may: a purpose can have changed its notice.
///
/// A withdrawal is never refused for what was shown, nor because its purpose has left the data
/// map: withdrawing must be as easy as giving consent (Art. 7(3)).
///
/// # Errors
/// As the outer error when a database fails; within: `unknown-purpose`, `invalid-consent`.
pub(super) async fn facts(
    conn: &mut Conn,
    model: &Model,
    texts: &mut Texts,
    new: &NewConsent,
    named: Option<&Name>,
) -> Result<Result<Facts, Refusal>> {
    let withdrawal = new.action == Action::Withdrawn;
    let notice = match consent_notice(model, &new.purpose) {
        Ok(notice) => named.cloned().unwrap_or(notice),
        Err(_) if withdrawal => return Ok(Ok(Facts { shown: None, in_force: false })),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let shown = match (new.notice_version, &new.language) {
        (Some(version), Some(language)) => {
            let known = texts.languages(conn, &model.app.app, &notice, version).await?;
            let same = |l: &&Language| l.as_str().eq_ignore_ascii_case(language.as_str());
            let language = known.iter().find(same).cloned();
            language
                .map(|language| Some(Shown { notice, version, language }))
                .ok_or_else(|| invalid("The notice has no such version in this language."))
        }
        (None, None) if named.is_none() => Ok(None),
        _ => Err(invalid("A notice version and a language are given together.")),
    };
    let shown = match shown {
        Err(_) if withdrawal => Ok(None),
        other => other,
    };
    Ok(shown.and_then(|shown| {
        ConsentEvent::check_shown(new.action, shown.as_ref())?;
        Ok(Facts { shown, in_force: true })
    }))
}

/// The notice of a purpose that rests on consent.
fn consent_notice(model: &Model, purpose: &Name) -> Result<Name, Refusal> {
    let declared = model.map()?.purpose(purpose)?;
    match &declared.notice {
        Some(notice) if declared.lawful_basis == LawfulBasis::Consent => Ok(notice.clone()),
        _ => Err(invalid("The purpose does not rest on consent.")),
    }
}

fn invalid(detail: &'static str) -> Refusal {
    Refusal::new(Code::InvalidConsent).detail(detail)
}
