//! Legal holds: what staff hold of a person, on which ground, and which writes that forbids. Knows
//! neither who may set one nor where it stands.

use serde::{Deserialize, Serialize};

use crate::data_map::CompiledDataMap;
use crate::ids::Name;
use crate::problem::{Code, Refusal};
use crate::wire::wire_enum;

/// The longest legal reference, in characters.
pub const MAX_REFERENCE: usize = 200;
/// The longest note, in characters.
pub const MAX_NOTE: usize = 2_000;

wire_enum! {
    /// Why data may stay, or be read, although the person is to be forgotten (Art. 17(3)).
    LegalGround, "legal ground" {
        /// To establish, exercise or defend legal claims (Art. 17(3)(e)).
        LegalClaims = "legal_claims",
        /// A law demands it (Art. 17(3)(b)).
        LegalObligation = "legal_obligation",
        /// A court or an authority has ordered it (Art. 17(3)(b)).
        AuthorityOrder = "authority_order",
        /// Public health, archives, research or statistics (Art. 17(3)(c) and (d)).
        PublicInterest = "public_interest",
    }
}

wire_enum! {
    /// Why a hold is released.
    ReleaseReason, "reason to release" {
        /// The claim, duty or interest has come to its end.
        Ended = "ended",
        /// The order was lifted.
        OrderLifted = "order_lifted",
        /// It should never have been set.
        SetInError = "set_in_error",
    }
}

/// What a hold covers: the whole person, a category, or a field of a category.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HoldScope {
    /// The category; every one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Name>,
    /// The field, a top-level member of its records; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Name>,
}

impl HoldScope {
    /// Whether it covers the whole person, identifiers included.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.category.is_none()
    }

    /// Whether it forbids a write by which records of `category` lose these values.
    #[must_use]
    pub fn forbids(&self, category: &Name, lost: &Lost) -> bool {
        self.category.as_ref().is_none_or(|held| held == category)
            && match &self.field {
                Some(field) => lost.fields.contains(field),
                None => lost.record || !lost.fields.is_empty(),
            }
    }

    /// Checks that what it names is in the data map.
    ///
    /// # Errors
    /// `unknown-category`; `invalid-body` for a field without its category, one that the category
    /// lacks, and the built-in category, which only a hold on the whole person covers.
    pub fn check(&self, map: Option<&CompiledDataMap>) -> Result<(), Refusal> {
        let invalid = |pointer: &'static str, rule: &'static str| {
            Err(Refusal::new(Code::InvalidBody).at(pointer, rule))
        };
        let Some(category) = &self.category else {
            return match self.field {
                Some(_) => invalid("/category", "must be given with a field"),
                None => Ok(()),
            };
        };
        if map.is_some_and(|map| map.map().is_built_in(category)) {
            return invalid("/category", "must be a category of records");
        }
        let unknown = || Refusal::new(Code::UnknownCategory);
        let declared = map.ok_or_else(unknown).and_then(|map| map.category(category));
        let declared = declared.map_err(|e| e.at("/category", "names an unknown category"))?;
        match &self.field {
            Some(field) if !declared.fields.contains_key(field) => {
                invalid("/field", "names a field that the category lacks")
            }
            _ => Ok(()),
        }
    }
}

/// What a write takes away from a record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lost {
    /// Whether the record itself goes.
    pub record: bool,
    /// The fields that had a value which changes or goes.
    pub fields: Vec<Name>,
}

impl Lost {
    /// Whether nothing is lost.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        !self.record && self.fields.is_empty()
    }
}

/// Checks the law or file that a hold rests on. It stands in certificates.
///
/// # Errors
/// `invalid-body` unless it is 1 to [`MAX_REFERENCE`] characters on one line, without spaces around.
pub fn check_reference(text: &str) -> Result<(), Refusal> {
    let long = !(1..=MAX_REFERENCE).contains(&text.chars().count());
    if long || text.trim() != text || text.chars().any(char::is_control) {
        let rule = "must be 1 to 200 characters on one line, without spaces around";
        return Err(Refusal::new(Code::InvalidBody).at("/legal_reference", rule));
    }
    Ok(())
}

/// Checks what staff write about a hold.
///
/// # Errors
/// `invalid-body` unless it is 1 to [`MAX_NOTE`] characters.
pub fn check_note(text: &str) -> Result<(), Refusal> {
    if (1..=MAX_NOTE).contains(&text.chars().count()) {
        return Ok(());
    }
    Err(Refusal::new(Code::InvalidBody).at("/note", "must be 1 to 2000 characters"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{HoldScope, Lost, MAX_NOTE, MAX_REFERENCE, check_note, check_reference};
    use crate::ids::Name;
    use crate::problem::Code;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn scope(category: Option<&str>, field: Option<&str>) -> HoldScope {
        HoldScope { category: category.map(name), field: field.map(name) }
    }

    fn lost(record: bool, fields: &[&str]) -> Lost {
        Lost { record, fields: fields.iter().map(|field| name(field)).collect() }
    }

    #[test]
    fn what_is_held_may_not_be_lost_and_nothing_else_is_forbidden() {
        let invoice = name("invoice");
        for (scope, forbidden, allowed) in [
            (scope(None, None), vec![lost(true, &[]), lost(false, &["total"])], vec![]),
            (scope(Some("invoice"), None), vec![lost(true, &[]), lost(false, &["note"])], vec![]),
            (
                scope(Some("invoice"), Some("total")),
                vec![lost(true, &["note", "total"]), lost(false, &["total"])],
                vec![lost(true, &["note"]), lost(false, &["note"]), lost(true, &[])],
            ),
            (scope(Some("profile"), None), vec![], vec![lost(true, &["total"])]),
        ] {
            assert!(forbidden.iter().all(|lost| scope.forbids(&invoice, lost)), "{scope:?}");
            assert!(!allowed.iter().any(|lost| scope.forbids(&invoice, lost)), "{scope:?}");
            assert!(!scope.forbids(&invoice, &Lost::default()), "{scope:?}");
        }
        assert!(scope(None, None).is_everything() && !scope(Some("a"), None).is_everything());
        assert!(Lost::default().is_nothing() && !lost(true, &[]).is_nothing());
    }

    #[test]
    fn texts_are_bounded_to_the_character() {
        for good in ["HGB § 257".to_owned(), "é".repeat(MAX_REFERENCE)] {
            assert!(check_reference(&good).is_ok());
        }
        for bad in ["", " a", "a\nb", &"é".repeat(MAX_REFERENCE + 1)] {
            let refusal = check_reference(bad).unwrap_err();
            assert_eq!(refusal.code, Code::InvalidBody);
            assert_eq!(refusal.errors[0].pointer, "/legal_reference");
        }
        assert!(check_note(&"é".repeat(MAX_NOTE)).is_ok());
        for bad in ["", &"é".repeat(MAX_NOTE + 1)] {
            assert_eq!(check_note(bad).unwrap_err().errors[0].pointer, "/note");
        }
    }

    #[test]
    fn a_scope_names_what_there_is() {
        let refused = |scope: HoldScope| scope.check(None).unwrap_err().code;
        assert!(scope(None, None).check(None).is_ok());
        assert_eq!(refused(scope(None, Some("total"))), Code::InvalidBody);
        assert_eq!(refused(scope(Some("invoice"), None)), Code::UnknownCategory);
    }
}
