//! The messages that a language needs. Where a value goes stands `{}`.

use crate::data_map::{LawfulBasis, SpecialGround};
use crate::identifier::IdentifierType;
use crate::ids::Name;

/// Every message of a language.
pub(super) struct Texts {
    pub(super) title: &'static str,
    pub(super) controller_heading: &'static str,
    /// Name and contacts.
    pub(super) controller: &'static str,
    /// Name and contacts.
    pub(super) representative: &'static str,
    /// Name and contacts.
    pub(super) dpo: &'static str,
    pub(super) purposes_heading: &'static str,
    /// Title, lawful basis.
    pub(super) purpose: &'static str,
    /// Of Art. 6(1)(a) to (f).
    pub(super) bases: [&'static str; 6],
    /// The ground.
    pub(super) special_ground: &'static str,
    /// Of Art. 9(2)(a) to (j).
    pub(super) grounds: [&'static str; 10],
    /// The law.
    pub(super) criminal_data: &'static str,
    pub(super) direct_marketing: &'static str,
    /// A period.
    pub(super) consent_validity: &'static str,
    /// Categories with their fields.
    pub(super) reads: &'static str,
    /// The title of the built-in category.
    pub(super) identifiers: &'static str,
    /// An e-mail address, a phone number, an external id.
    pub(super) identifier_types: [&'static str; 3],
    pub(super) sources_heading: &'static str,
    /// Category, field, source.
    pub(super) source: &'static str,
    pub(super) provided: &'static str,
    pub(super) observed: &'static str,
    pub(super) derived: &'static str,
    /// Who.
    pub(super) third_party: &'static str,
    pub(super) recipients_heading: &'static str,
    pub(super) no_recipients: &'static str,
    pub(super) transfers_heading: &'static str,
    /// Where to, safeguard.
    pub(super) transfer: &'static str,
    pub(super) no_transfers: &'static str,
    pub(super) time_limits_heading: &'static str,
    /// Category, period.
    pub(super) kept_for: &'static str,
    /// Category.
    pub(super) kept_as_needed: &'static str,
    /// Category.
    pub(super) kept_with_person: &'static str,
    pub(super) rights_heading: &'static str,
    pub(super) rights: &'static str,
    /// Art. 15, 16, 17, 18, 20, 21 and 22.
    pub(super) rights_list: [&'static str; 7],
    pub(super) withdrawal_heading: &'static str,
    pub(super) withdrawal: &'static str,
    pub(super) complaint_heading: &'static str,
    /// Name and contacts.
    pub(super) complaint_to: &'static str,
    pub(super) complaint: &'static str,
    pub(super) decisions_heading: &'static str,
    /// Purpose, logic.
    pub(super) decision: &'static str,
    pub(super) no_decisions: &'static str,
    /// Years, months, weeks, days: one, and more.
    pub(super) units: [(&'static str, &'static str); 4],
}

impl Texts {
    pub(super) const fn basis(&self, basis: LawfulBasis) -> &'static str {
        self.bases[basis as usize]
    }

    pub(super) const fn ground(&self, ground: SpecialGround) -> &'static str {
        self.grounds[ground as usize]
    }

    /// The title of a field of the built-in category.
    pub(super) fn identifier<'n>(&'n self, field: &'n Name) -> &'n str {
        let kind = field.as_str().parse::<IdentifierType>();
        kind.map_or(field.as_str(), |kind| self.identifier_types[kind as usize])
    }
}
