//! How purposes look on the wire.

use std::collections::BTreeMap;

use oubli_app::purposes::PurposeInfo;
use oubli_domain::data_map::SpecialGround;
use oubli_domain::{Name, SubjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Names a purpose.
#[derive(Deserialize)]
pub(super) struct PurposePath {
    pub(super) purpose: Name,
}

/// Names a purpose as it stands for a subject.
#[derive(Deserialize)]
pub(super) struct SubjectPurposePath {
    pub(super) subject: SubjectId,
    pub(super) purpose: Name,
}

/// A purpose in force.
#[derive(Serialize, ToSchema)]
pub(super) struct Purpose {
    /// Its name.
    #[schema(value_type = String, example = "newsletter")]
    name: Name,
    /// For people.
    #[schema(example = "Our monthly newsletter")]
    title: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// What makes it lawful (Art. 6(1)): `consent`, `contract`, `legal_obligation`,
    /// `vital_interests`, `public_task` or `legitimate_interests`.
    #[schema(example = "consent")]
    lawful_basis: &'static str,
    /// What lifts the ban on special categories of data (Art. 9(2)), where it reads some.
    #[serde(skip_serializing_if = "Option::is_none")]
    special_ground: Option<&'static str>,
    /// The fields that it reads, by category; those of `identifiers` are types of identifiers.
    #[schema(value_type = BTreeMap<String, Vec<String>>, example = json!({"profile": ["email"]}))]
    reads: BTreeMap<Name, Vec<Name>>,
    /// The notice that consent is given under.
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<PurposeNotice>,
    /// Whether it is direct marketing: an objection then always counts (Art. 21(3)).
    direct_marketing: bool,
    /// The logic of decisions by machine alone (Art. 22), where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    automated_decision: Option<String>,
    /// How long a consent stands, as a period of ISO 8601; without end when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "P2Y")]
    consent_validity: Option<String>,
}

/// The notice of a purpose.
#[derive(Serialize, ToSchema)]
struct PurposeNotice {
    /// Its name.
    #[schema(value_type = String, example = "newsletter")]
    name: Name,
    /// Its newest version; absent while there is no text, so that nobody can consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
}

impl From<PurposeInfo> for Purpose {
    fn from(info: PurposeInfo) -> Self {
        let PurposeInfo { name, declared, fields, notice_version: version } = info;
        let reads = fields.into_iter().map(|(name, fields)| (name, fields.into_iter().collect()));
        Self {
            name,
            title: declared.title,
            description: declared.description,
            lawful_basis: declared.lawful_basis.as_str(),
            special_ground: declared.special_ground.map(SpecialGround::as_str),
            reads: reads.collect(),
            notice: declared.notice.map(|name| PurposeNotice { name, version }),
            direct_marketing: declared.direct_marketing,
            automated_decision: declared.automated_decision.map(|decision| decision.logic),
            consent_validity: declared.consent_validity.map(|period| period.to_string()),
        }
    }
}
