//! The kinds of data that are looked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of data that is looked for.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A phone number: international, or a French national one.
    Phone,
    /// An international bank account number (ISO 13616).
    Iban,
    /// The number of a payment card (ISO/IEC 7812).
    Card,
    /// The French social security number (numéro d'inscription au répertoire).
    Nir,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Email, Self::Phone, Self::Iban, Self::Card, Self::Nir];

    /// The classification of the data map that declares it.
    const fn classification(self) -> &'static str {
        match self {
            Self::Email => "email_address",
            Self::Phone => "phone_number",
            Self::Iban => "bank_account",
            Self::Card => "payment_card",
            Self::Nir => "official_id",
        }
    }

    /// The rule for a value.
    pub(crate) const fn value_rule(self) -> &'static str {
        match self {
            Self::Email => "value-email",
            Self::Phone => "value-phone",
            Self::Iban => "value-iban",
            Self::Card => "value-card",
            Self::Nir => "value-nir",
        }
    }

    /// The rule for a name.
    pub(crate) const fn name_rule(self) -> &'static str {
        match self {
            Self::Email => "name-email",
            Self::Phone => "name-phone",
            Self::Iban => "name-iban",
            Self::Card => "name-card",
            Self::Nir => "name-nir",
        }
    }
}

/// A set of kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Kinds(u8);

impl Kinds {
    pub(crate) const fn none() -> Self {
        Self(0)
    }

    pub(crate) fn all() -> Self {
        Kind::ALL.into_iter().collect()
    }

    /// What a field of this classification is declared as.
    pub(crate) fn declared_as(classification: Option<&str>) -> Self {
        let is = |kind: &Kind| classification == Some(kind.classification());
        Kind::ALL.into_iter().filter(is).collect()
    }

    pub(crate) fn insert(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u8;
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.0 & (1 << *kind as u8) != 0)
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        let mut set = Self::none();
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}
