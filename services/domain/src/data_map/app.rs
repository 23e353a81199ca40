//! Who processes the data, where, and with whom: the facts of an app that the register (Art. 30)
//! and the information for people (Art. 13 to 15) need.

use serde::{Deserialize, Serialize};

use crate::ids::Name;

/// The facts of an app.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Who answers for the processing (Art. 4(7)).
    pub controller: Party,
    /// The representative in the Union (Art. 27).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub representative: Option<Party>,
    /// The data protection officer (Art. 37).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpo_contact: Option<Party>,
    /// Kinds of people the data is about, such as customers (Art. 30(1)(c)).
    pub subject_kinds: Vec<String>,
    /// To whom data is disclosed (Art. 4(9)).
    #[serde(default)]
    pub recipients: Vec<Recipient>,
    /// Transfers to third countries (Art. 44 to 49).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<Transfer>,
    /// How the data is protected (Art. 32).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub security_measures: Vec<String>,
    /// Where people may complain (Art. 77).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisory_authority: Option<Party>,
    /// The IANA time zone in which days and deadlines are counted.
    pub time_zone: String,
    /// ISO 3166-1 alpha-2: holidays, and phone numbers without `+`.
    pub country: String,
    /// The part of the country, for its holidays: ISO 3166-2 without the country, such as `BY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The last day of the financial year, `MM-DD`; the calendar year's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub financial_year_end: Option<String>,
}

/// A person or body with its contacts, as published. Not a data subject.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Name.
    pub name: String,
    /// Postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Web address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
}

/// A system or body to which data is disclosed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Its name within the data map, unique.
    pub name: Name,
    /// For people: recipients are named to the person (Art. 15(1)(c)).
    pub title: String,
    /// Where it is: ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// What protects the data there (Art. 46), outside the Union.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safeguard: Option<String>,
}

/// A transfer to a third country.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Where to: ISO 3166-1 alpha-2.
    pub country: String,
    /// To which recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Name>,
    /// What allows it: an adequacy decision, clauses, rules or a derogation (Art. 45 to 49).
    pub safeguard: String,
}
