//! Receipts of consent: what they say, and how anyone checks one offline with the published keys.
//!
//! The members have the names of the fields of ISO/IEC TS 27560:2023 (clauses 6.3.3 to 6.3.7), as
//! the W3C guide "Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV" lists them;
//! values are terms of the W3C Data Privacy Vocabulary (DPV) where it has one. Members that are no
//! field of it say so. A field that nobody declared, such as `storage_locations`, is left out.
//!
//! Everything but `iss`, `iat` and the signature is of the moment when the person acted: it comes
//! from the event, and from the versions of data map and notice that stood then.

use oubli_domain::consent::{Language, Signals};
use oubli_domain::data_map::{DataMap, Origin, Party, Period, Recipient, Transfer};
use oubli_domain::{AppId, EventId, Name, SubjectId, Time};
use serde::{Deserialize, Serialize};

use crate::signed::{self, SignedError, Statement};

/// The `schema_version` of the receipts that this service signs.
pub const SCHEMA_VERSION: &str = "oubli-consent-receipt-1";

/// What a receipt says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The service that issued it: its URL (RFC 7519; no field of TS 27560).
    pub iss: String,
    /// When, in seconds since 1970 (RFC 7519; no field of TS 27560).
    pub iat: i64,
    /// The app (no field of TS 27560).
    pub app: AppId,
    /// Header: [`SCHEMA_VERSION`], the form of this document.
    pub schema_version: String,
    /// Header: the consent event.
    pub record_id: EventId,
    /// Header: the subject, by the opaque id.
    pub pii_principal_id: SubjectId,
    /// What processing the person decided about.
    pub pii_processing: Processing,
    /// Who takes part, by `party_id`.
    pub party_identification: Vec<IdentifiedParty>,
    /// What the person did.
    pub event: Event,
    /// The version of the data map that this document was made from (no field of TS 27560).
    pub data_map: Option<Declared>,
    /// The privacy signals that came with the event (TS 27560 speaks of signals in annex F).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signals: Option<ReceivedSignals>,
}

/// The processing (clause 6.3.4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Processing {
    /// The notice that the person was shown; none when the event names none, as a withdrawal may.
    pub privacy_notice: Option<PrivacyNotice>,
    /// The language it was shown in.
    pub language: Option<Language>,
    /// The purpose of the event: always one.
    pub purposes: Vec<PurposeOf>,
}

/// A notice as it was shown (6.3.4.1).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PrivacyNotice {
    /// Its name.
    pub name: Name,
    /// Its version.
    pub version: u32,
    /// SHA-256 of the text in the language that was shown (UTF-8), as hex digits.
    pub text_sha256: String,
    /// SHA-256 of the texts in all languages, as the notice's own `digest_sha256` says it.
    pub digest_sha256: String,
}

/// A purpose (6.3.4.3). Where no data map of then declares it, the name is all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PurposeOf {
    /// Its name.
    pub purpose: Name,
    /// What the data map declared.
    #[serde(flatten)]
    pub declared: Option<DeclaredPurpose>,
}

/// What the data map declared of a purpose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeclaredPurpose {
    /// What people read.
    pub purpose_title: String,
    /// 6.3.4.6, as a term of DPV: `eu-gdpr:A6-1-a`.
    pub lawful_basis: String,
    /// 6.3.4.7: the fields that the purpose reads.
    pub pii_information: Vec<PiiInformation>,
    /// 6.3.4.8: the `party_id` of the controller.
    pub pii_controllers: Vec<String>,
    /// 6.3.4.10: how a machine alone decides (Art. 22), where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_method: Option<String>,
    /// 6.3.4.12, for each category that the purpose reads.
    pub retention_period: Vec<Retention>,
    /// 6.3.4.13: the transfers that the app declares, for all its purposes.
    pub processing_locations: Vec<Transfer>,
    /// 6.3.4.16: the app's country (ISO 3166-1).
    pub jurisdiction: String,
    /// 6.3.4.17: the recipients that the app declares, for all its purposes.
    pub recipient_third_parties: Vec<Recipient>,
    /// 6.3.4.22: the `party_id` of the supervisory authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_party: Option<String>,
}

/// A field that a purpose reads (clause 6.3.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PiiInformation {
    /// 6.3.5.1, as a term of DPV: `pd:EmailAddress`.
    pub pii_type: String,
    /// 6.3.5.2: category and field.
    pub pii_attribute_id: String,
    /// 6.3.5.3: whether a record may lack it.
    pub pii_optional: bool,
    /// 6.3.5.5: whether it is of a special category (Art. 9) or on crimes (Art. 10).
    pub special_pii_category: bool,
    /// 6.3.4.9: where its values come from.
    pub collection_method: Origin,
}

/// How long a category is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Retention {
    /// The category.
    pub category: Name,
    /// The declared duration (ISO 8601); none when none is declared, and for the built-in category
    /// `identifiers`, which is kept as long as the person is.
    pub duration: Option<Period>,
}

/// A party (clause 6.3.6).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IdentifiedParty {
    /// 6.3.6.1: `controller`, `representative`, `dpo` or `authority`.
    pub party_id: String,
    /// 6.3.6.6.
    pub party_name: String,
    /// 6.3.6.7, as a term of DPV.
    pub party_role: String,
    /// Postal address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party_address: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party_email: Option<String>,
    /// Web address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party_url: Option<String>,
    /// Phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party_phone: Option<String>,
}

/// What the person did (clause 6.3.7).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// 6.3.7.1: when the person acted.
    pub event_time: Time,
    /// When the service learned of it (no field of TS 27560).
    pub recorded_at: Time,
    /// 6.3.7.2, as the data map of then declared it for a grant; none: until it is withdrawn.
    pub validity_duration: Option<Period>,
    /// When that ends: the service goes by the validity of the data map in force, so a later one
    /// may end a grant at another time (no field of TS 27560).
    pub valid_until: Option<Time>,
    /// 6.3.7.3: who acted, the subject.
    pub entity_id: SubjectId,
    /// 6.3.7.4, the type of consent, as a term of DPV.
    pub event_type: String,
    /// 6.3.7.6, as a term of DPV: `dpv:ConsentGiven`, `dpv:ConsentRefused` or
    /// `dpv:ConsentWithdrawn`.
    pub event_state: String,
}

/// A version of the data map.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Declared {
    /// Its number.
    pub version: i64,
    /// SHA-256 of its canonical form (RFC 8785), as hex digits.
    pub digest_sha256: String,
    /// When it was put. Later than `event_time` for an event that was imported from before the
    /// first data map that knows its purpose.
    pub put_at: Time,
}

/// Privacy signals as they were received.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedSignals {
    /// Whether the person's request carried `Sec-GPC: 1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpc: Option<bool>,
    /// The string of the IAB Global Privacy Platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpp: Option<String>,
}

/// Shows which signals there are, and nothing of what a person chose.
impl std::fmt::Debug for ReceivedSignals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceivedSignals").field("gpc", &self.gpc).finish_non_exhaustive()
    }
}

impl ReceivedSignals {
    pub(crate) fn of(signals: &Signals) -> Option<Self> {
        let gpp = signals.gpp.as_ref().map(|gpp| gpp.expose().to_owned());
        (!signals.is_empty()).then_some(Self { gpc: signals.gpc, gpp })
    }
}

impl Statement for Claims {
    const TYPE: &'static str = "consent-receipt+jwt";

    fn app(&self) -> &AppId {
        &self.app
    }
}

/// Checks a receipt offline: its signature under one of the published keys of its app. `keys_json`
/// is the body of `/.well-known/oubli-keys`.
///
/// # Errors
/// Why it does not hold.
pub fn verify_receipt(jws: &str, keys_json: &str) -> Result<Claims, SignedError> {
    signed::verify(jws, keys_json)
}

/// The parties that a data map names.
pub(crate) fn parties(map: &DataMap) -> Vec<IdentifiedParty> {
    let app = &map.app;
    let named = [
        ("controller", "dpv:DataController", Some(&app.controller)),
        ("representative", "dpv:Representative", app.representative.as_ref()),
        ("dpo", "dpv:DataProtectionOfficer", app.dpo_contact.as_ref()),
        ("authority", "dpv:SupervisoryAuthority", app.supervisory_authority.as_ref()),
    ];
    let named = named.into_iter().filter_map(|(id, role, party)| Some((id, role, party?)));
    named.map(|(id, role, party)| identified(id, role, party)).collect()
}

fn identified(id: &str, role: &str, party: &Party) -> IdentifiedParty {
    let Party { name, address, email, phone, website } = party.clone();
    IdentifiedParty {
        party_id: id.to_owned(),
        party_name: name,
        party_role: role.to_owned(),
        party_address: address,
        party_email: email,
        party_url: website,
        party_phone: phone,
    }
}
