//! The data map: an app's declaration of its categories, fields, purposes and recipients. Owns the
//! document's types, what makes one valid, and what follows from it: which records fit, which
//! fields a purpose reads, and the day a record's retention starts to count. Knows neither its
//! versions nor where they are stored.

mod app;
mod built_in;
mod check;
mod classification;
mod compiled;
mod country;
pub mod diff;
pub mod notice;
mod period;
pub mod register;
mod retention;
mod schema;
pub(crate) mod violation;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::Name;
use crate::problem::{Code, Refusal};
use crate::wire::wire_enum;

pub use app::{App, Party, Recipient, Transfer};
pub use classification::{Classification, SpecialRule};
pub use compiled::{CompiledDataMap, FieldSet};
pub use country::is_country;
pub use period::Period;
pub use retention::{ClockFrom, ClockStart, YearEnd};
pub use schema::PUBLISHED as SCHEMA;

/// The longest data map, in bytes of canonical JSON.
pub const MAX_DOCUMENT: usize = 1024 * 1024;

/// The built-in category: what finds a person. Purposes may read it; its fields are the types of
/// identifiers, and no app may declare a category of this name.
pub const IDENTIFIERS: &str = "identifiers";

/// One version of an app's data map, as it stands in the API and in the database.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataMap {
    /// Kinds of records, by name; at most 200.
    pub categories: BTreeMap<Name, Category>,
    /// Why data is processed, by name; at most 200.
    pub purposes: BTreeMap<Name, Purpose>,
    /// Who processes, where, and with whom.
    pub app: App,
}

/// A kind of record.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// For people.
    pub title: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When retention starts to count.
    pub clock_start: ClockStart,
    /// How long the app means to keep it, for the register and the notice (Art. 13(2)(a),
    /// 30(1)(f)); nothing is erased by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Period>,
    /// The top-level members of its records; at most 200.
    pub fields: BTreeMap<Name, Field>,
}

/// A top-level member of a record.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What its values must fit: a closed subset of JSON Schema 2020-12.
    pub schema: Value,
    /// What kind of personal data it is.
    pub classification: Classification,
    /// Where its values come from (Art. 14(2)(f), 15(1)(g), 20(1)).
    pub origin: Origin,
    /// Whether each record must have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// Where a field's values come from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The person gave them.
    Provided,
    /// The app saw them in the person's use of it.
    Observed,
    /// The app worked them out.
    Derived,
    /// Somebody else gave them; who.
    ThirdParty(String),
}

impl Origin {
    /// Whether a portability export holds the field (Art. 20(1); WP 242: provided and observed).
    #[must_use]
    pub fn is_portable(&self) -> bool {
        matches!(self, Origin::Provided | Origin::Observed)
    }
}

wire_enum! {
    /// What makes processing lawful: Art. 6(1)(a) to (f).
    LawfulBasis, "lawful basis" {
        /// (a)
        Consent = "consent",
        /// (b)
        Contract = "contract",
        /// (c)
        LegalObligation = "legal_obligation",
        /// (d)
        VitalInterests = "vital_interests",
        /// (e)
        PublicTask = "public_task",
        /// (f)
        LegitimateInterests = "legitimate_interests",
    }
}

wire_enum! {
    /// What lifts the ban on special categories of data: Art. 9(2)(a) to (j).
    SpecialGround, "special ground" {
        /// (a) The purpose's lawful basis must then be consent, so that the service checks it.
        ExplicitConsent = "explicit_consent",
        /// (b)
        EmploymentAndSocialSecurity = "employment_and_social_security",
        /// (c)
        VitalInterests = "vital_interests",
        /// (d)
        NonProfitBody = "non_profit_body",
        /// (e)
        MadePublic = "made_public",
        /// (f)
        LegalClaims = "legal_claims",
        /// (g)
        SubstantialPublicInterest = "substantial_public_interest",
        /// (h)
        HealthCare = "health_care",
        /// (i)
        PublicHealth = "public_health",
        /// (j)
        ArchivingAndResearch = "archiving_and_research",
    }
}

impl LawfulBasis {
    /// Its term in the W3C Data Privacy Vocabulary (extension `eu-gdpr`).
    #[must_use]
    pub const fn dpv_term(self) -> &'static str {
        match self {
            Self::Consent => "eu-gdpr:A6-1-a",
            Self::Contract => "eu-gdpr:A6-1-b",
            Self::LegalObligation => "eu-gdpr:A6-1-c",
            Self::VitalInterests => "eu-gdpr:A6-1-d",
            Self::PublicTask => "eu-gdpr:A6-1-e",
            Self::LegitimateInterests => "eu-gdpr:A6-1-f",
        }
    }
}

/// Why data is processed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// For people.
    pub title: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What makes it lawful.
    pub lawful_basis: LawfulBasis,
    /// Needed when it reads a field of a special category (Art. 9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub special_ground: Option<SpecialGround>,
    /// The law or authority that allows it to read a field on crimes (Art. 10); needed for those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criminal_data_law: Option<String>,
    /// The fields it may read, by category; those of [`IDENTIFIERS`] are the types of identifiers.
    pub reads: BTreeMap<Name, Reads>,
    /// The notice that consent is given under; needed for consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Name>,
    /// Whether it is direct marketing: an objection then always counts (Art. 21(3)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub direct_marketing: bool,
    /// Decisions by machine alone (Art. 22), with their logic (Art. 15(1)(h)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automated_decision: Option<AutomatedDecision>,
    /// How long a consent stands; only for consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_validity: Option<Period>,
}

/// A decision by machine alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AutomatedDecision {
    /// How it decides, for the person it is about.
    pub logic: String,
}

/// The fields of a category that a purpose reads: `["*"]` or a list of names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub enum Reads {
    /// Every field of the category, also those added later.
    All,
    /// These.
    Fields(BTreeSet<Name>),
}

impl TryFrom<Vec<String>> for Reads {
    type Error = Refusal;
    fn try_from(fields: Vec<String>) -> Result<Self, Refusal> {
        if fields == ["*"] {
            return Ok(Reads::All);
        }
        fields.into_iter().map(Name::new).collect::<Result<_, _>>().map(Reads::Fields)
    }
}

impl From<Reads> for Vec<String> {
    fn from(reads: Reads) -> Self {
        match reads {
            Reads::All => vec!["*".to_owned()],
            Reads::Fields(fields) => fields.iter().map(ToString::to_string).collect(),
        }
    }
}

impl DataMap {
    /// Reads a data map: first against its published schema ([`SCHEMA`]), then its bounds and
    /// cross references.
    ///
    /// # Errors
    /// `too-large` beyond [`MAX_DOCUMENT`]; `invalid-data-map` with the places that are wrong. The
    /// pointers name nothing that does not have the form of a [`Name`].
    pub fn parse(document: Value) -> Result<Self, Refusal> {
        let map = Self::parse_stored(document)?;
        check::check_reserved(&map)?;
        Ok(map)
    }

    /// As [`DataMap::parse`], for a version that was put in force: one that is older than the
    /// built-in category [`IDENTIFIERS`] may declare a category of that name, which is then its own.
    ///
    /// # Errors
    /// As there.
    pub fn parse_stored(document: Value) -> Result<Self, Refusal> {
        if crate::json::canonical(&document).len() > MAX_DOCUMENT {
            return Err(Refusal::new(Code::TooLarge).detail("A data map is at most 1 MiB of JSON."));
        }
        schema::validate(&document)?;
        let map: Self = serde_json::from_value(document)
            .map_err(|_| Refusal::new(Code::InvalidDataMap).at("", "does not fit its schema"))?;
        check::check(&map)?;
        Ok(map)
    }

    /// The names of a category's fields; none when there is no such category.
    fn fields_of(&self, category: &Name) -> Option<BTreeSet<Name>> {
        self.category(category).map(|known| known.fields.keys().cloned().collect())
    }

    /// The fields of a category that a purpose may read.
    fn resolve(&self, category: &Name, reads: &Reads) -> BTreeSet<Name> {
        match (reads, self.fields_of(category)) {
            (Reads::All, Some(fields)) => fields,
            (Reads::Fields(fields), Some(_)) => fields.clone(),
            (_, None) => BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests;
