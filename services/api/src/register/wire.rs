//! How the register looks on the wire. Each member says which letter of Art. 30 asks for it.

use oubli_domain::Name;
use oubli_domain::data_map::register::{self, ActivityData, Missing, OnBehalf};
use oubli_domain::data_map::{self, Classification, LawfulBasis, Period, SpecialGround};
use serde::Serialize;
use utoipa::ToSchema;

/// The records of processing activities.
#[derive(Serialize, ToSchema)]
pub(super) struct Register {
    /// The version of the data map that it is made from.
    #[schema(minimum = 1, example = 4)]
    data_map_version: i64,
    /// 30(1)(a): the controller.
    controller: RegisterParty,
    /// 30(1)(a): its representative in the Union.
    #[serde(skip_serializing_if = "Option::is_none")]
    representative: Option<RegisterParty>,
    /// 30(1)(a): its data protection officer.
    #[serde(skip_serializing_if = "Option::is_none")]
    dpo_contact: Option<RegisterParty>,
    /// 30(1): one for each purpose.
    activities: Vec<RegisterActivity>,
    /// 30(2): what this service does on the controller's behalf.
    on_behalf: RegisterOnBehalf,
    /// What the article asks for and the data map does not say.
    missing: Vec<RegisterMissing>,
}

/// A person or body with its contacts.
#[derive(Serialize, ToSchema)]
struct RegisterParty {
    /// Name.
    #[schema(example = "Shop Ltd")]
    name: String,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1 High Street, Dublin")]
    address: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "privacy@shop.example")]
    email: Option<String>,
    /// Phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+353 1 555 0100")]
    phone: Option<String>,
    /// Web address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://shop.example")]
    website: Option<String>,
}

/// A processing activity.
#[derive(Serialize, ToSchema)]
struct RegisterActivity {
    /// 30(1)(b): the purpose's name.
    #[schema(value_type = String, example = "newsletter")]
    purpose: Name,
    /// 30(1)(b): the purpose for people.
    #[schema(example = "Newsletter")]
    title: String,
    /// 30(1)(b): more of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "News of the shop, once a month")]
    description: Option<String>,
    /// 6(1): what makes it lawful.
    #[schema(value_type = String, example = "consent")]
    lawful_basis: LawfulBasis,
    /// 9(2): what lifts the ban on special categories, where it reads one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "explicit_consent")]
    special_ground: Option<SpecialGround>,
    /// 30(1)(c): whom the data is about.
    #[schema(example = json!(["customers"]))]
    subject_kinds: Vec<String>,
    /// 30(1)(c) and (f): the data that it reads, and how long each is kept.
    data: Vec<RegisterData>,
    /// 30(1)(d): to whom data is disclosed. A data map names them for the whole app.
    #[schema(example = json!(["Mail Inc"]))]
    recipients: Vec<String>,
    /// 30(1)(e): transfers to third countries. A data map names them for the whole app.
    transfers: Vec<RegisterTransfer>,
    /// 30(1)(g): how the data is protected.
    #[schema(example = json!(["Encryption under a key of each person's own"]))]
    security_measures: Vec<String>,
}

/// What an activity reads of a category.
#[derive(Serialize, ToSchema)]
struct RegisterData {
    /// Its name.
    #[schema(value_type = String, example = "profile")]
    category: Name,
    /// For people.
    #[schema(example = "Profile")]
    title: String,
    /// 30(1)(c): the kinds of personal data in it.
    #[schema(value_type = Vec<String>, example = json!(["name", "email_address"]))]
    kinds: Vec<Classification>,
    /// 30(1)(f): the declared time limit, in ISO 8601; absent when there is none. The built-in
    /// category `identifiers` has none: it is kept as long as the person is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "P3Y")]
    kept_for: Option<Period>,
}

/// A transfer to a third country.
#[derive(Serialize, ToSchema)]
struct RegisterTransfer {
    /// Where to: ISO 3166-1 alpha-2.
    #[schema(example = "US")]
    country: String,
    /// To which recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "mailer")]
    recipient: Option<Name>,
    /// What allows it.
    #[schema(example = "Standard contractual clauses, decision 2021/914")]
    safeguard: String,
}

/// What is processed on the controller's behalf.
#[derive(Serialize, ToSchema)]
struct RegisterOnBehalf {
    /// 30(2)(a): on whose behalf.
    controller: RegisterParty,
    /// 30(2)(a): the controller's representative.
    #[serde(skip_serializing_if = "Option::is_none")]
    representative: Option<RegisterParty>,
    /// 30(2)(b): the categories of processing.
    #[schema(example = json!(["export and erasure on request"]))]
    processing: Vec<&'static str>,
    /// 30(2)(c): transfers to third countries.
    transfers: Vec<RegisterTransfer>,
    /// 30(2)(d): how the data is protected.
    #[schema(example = json!(["Encryption under a key of each person's own"]))]
    security_measures: Vec<String>,
}

/// Something that the data map does not say.
#[derive(Serialize, ToSchema)]
struct RegisterMissing {
    /// Where Art. 30 asks for it.
    #[schema(example = "30(1)(f)")]
    letter: &'static str,
    /// What is missing.
    #[schema(example = "how long the category profile is kept")]
    what: String,
}

impl Register {
    pub(super) fn new(data_map_version: i64, register: register::Register) -> Self {
        let register::Register {
            controller,
            representative,
            dpo_contact,
            activities,
            on_behalf,
            missing,
        } = register;
        Self {
            data_map_version,
            controller: controller.into(),
            representative: representative.map(RegisterParty::from),
            dpo_contact: dpo_contact.map(RegisterParty::from),
            activities: activities.into_iter().map(RegisterActivity::from).collect(),
            on_behalf: on_behalf.into(),
            missing: missing
                .into_iter()
                .map(|Missing { letter, what }| RegisterMissing { letter, what })
                .collect(),
        }
    }
}

impl From<data_map::Party> for RegisterParty {
    fn from(party: data_map::Party) -> Self {
        let data_map::Party { name, address, email, phone, website } = party;
        Self { name, address, email, phone, website }
    }
}

impl From<data_map::Transfer> for RegisterTransfer {
    fn from(transfer: data_map::Transfer) -> Self {
        let data_map::Transfer { country, recipient, safeguard } = transfer;
        Self { country, recipient, safeguard }
    }
}

impl From<register::Activity> for RegisterActivity {
    fn from(activity: register::Activity) -> Self {
        Self {
            purpose: activity.purpose,
            title: activity.title,
            description: activity.description,
            lawful_basis: activity.lawful_basis,
            special_ground: activity.special_ground,
            subject_kinds: activity.subject_kinds,
            data: activity.data.into_iter().map(RegisterData::from).collect(),
            recipients: activity.recipients,
            transfers: activity.transfers.into_iter().map(RegisterTransfer::from).collect(),
            security_measures: activity.security_measures,
        }
    }
}

impl From<ActivityData> for RegisterData {
    fn from(data: ActivityData) -> Self {
        let ActivityData { category, title, kinds, kept_for, built_in: _ } = data;
        Self { category, title, kinds: kinds.into_iter().collect(), kept_for }
    }
}

impl From<OnBehalf> for RegisterOnBehalf {
    fn from(on_behalf: OnBehalf) -> Self {
        let OnBehalf { controller, representative, processing, transfers, security_measures } =
            on_behalf;
        Self {
            controller: controller.into(),
            representative: representative.map(RegisterParty::from),
            processing,
            transfers: transfers.into_iter().map(RegisterTransfer::from).collect(),
            security_measures,
        }
    }
}
