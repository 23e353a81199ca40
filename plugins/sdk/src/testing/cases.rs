//! The form of golden files.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::batch::Record;
use super::readable::Said;
use crate::bindings::audit::exports::oubli::policy::audit as wire;
use crate::{Act, Context, Day};

/// One file: cases of one interface, and what holds for each that does not say otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    /// What the cases are about, for people.
    pub about: String,
    /// Which function is asked.
    pub interface: Interface,
    /// Whether values were granted.
    #[serde(default)]
    pub values: bool,
    /// What holds for each case that does not say otherwise.
    #[serde(default)]
    pub given: Surroundings,
    /// The cases, at least one.
    pub cases: Vec<Case>,
}

/// The function that is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interface {
    /// `validate-settings`.
    Settings,
    /// `retention.evaluate`.
    Retention,
    /// `guard.evaluate`.
    Guard,
    /// `audit.evaluate`.
    Audit,
}

/// What stands around the records.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Surroundings {
    /// The settings; `{}` when nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Value>,
    /// Today; 1 January 2026 when nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub today: Option<Day>,
    /// The jurisdiction; empty when nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<String>,
    /// What is about to destroy: `request` (when nobody says), `retention` or `delete`. For guards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// The data map; `{}` when nobody says. For audits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_map: Option<Value>,
    /// How the consents stand. For audits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consents: Option<Vec<Consents>>,
}

/// How the consents to a purpose stand.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Consents {
    /// The purpose.
    pub purpose: String,
    /// Consents that hold now.
    pub live: u32,
    /// Of those, under an older notice.
    #[serde(default)]
    pub older_notice: u32,
    /// The day of the oldest.
    #[serde(default)]
    pub oldest: Option<Day>,
}

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// What differs for it; a member replaces that of the file whole.
    #[serde(default)]
    pub given: Surroundings,
    /// The batch.
    #[serde(default)]
    pub records: Vec<Record>,
    /// What must be said, in this order; nothing when absent.
    #[serde(default)]
    pub expect: Vec<Said>,
    /// For `settings`: the pointers that must be named, in this order; none when they are taken.
    #[serde(default)]
    pub problems: Vec<String>,
}

impl Surroundings {
    /// These, with what `base` says where they say nothing.
    #[must_use]
    pub fn over(self, base: &Self) -> Self {
        let base = base.clone();
        Self {
            settings: self.settings.or(base.settings),
            today: self.today.or(base.today),
            jurisdiction: self.jurisdiction.or(base.jurisdiction),
            act: self.act.or(base.act),
            data_map: self.data_map.or(base.data_map),
            consents: self.consents.or(base.consents),
        }
    }

    /// Today, also when nobody says.
    #[must_use]
    pub fn today(&self) -> Day {
        // 1 January 2026.
        self.today.unwrap_or(Day(20_454))
    }

    pub(super) fn settings(&self) -> String {
        self.settings.as_ref().map_or_else(|| "{}".to_owned(), ToString::to_string)
    }

    pub(super) fn context(&self) -> Context {
        Context {
            today: self.today().0,
            app: "shop".to_owned(),
            jurisdiction: self.jurisdiction.clone().unwrap_or_default(),
            data_map_digest: "0".repeat(64),
        }
    }

    pub(super) fn act(&self) -> Result<Act, String> {
        match self.act.as_deref() {
            None | Some("request") => Ok(Act::Request),
            Some("retention") => Ok(Act::Retention),
            Some("delete") => Ok(Act::Delete),
            Some(other) => Err(format!("no such act: {other}")),
        }
    }

    pub(super) fn declared(&self) -> wire::Declared {
        let consents = self.consents.clone().unwrap_or_default();
        wire::Declared {
            data_map: self.data_map.clone().unwrap_or_else(|| json!({})).to_string(),
            live_consents: consents.iter().map(|of| of.live).collect(),
            older_notice: consents.iter().map(|of| of.older_notice).collect(),
            oldest_grant: consents.iter().map(|of| Day::to_column(of.oldest)).collect(),
            purpose: consents.into_iter().map(|of| of.purpose).collect(),
        }
    }
}
