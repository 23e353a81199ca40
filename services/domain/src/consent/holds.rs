//! Whether a purpose holds for a person at a moment.

use super::{CurrentConsent, State};
use crate::data_map::{LawfulBasis, Purpose};
use crate::problem::{Code, Refusal};
use crate::request::SubjectState;
use crate::wire::wire_enum;

wire_enum! {
    /// Why a purpose does not hold: a stable reason code.
    NotPermitted, "reason" {
        /// The person never gave consent.
        ConsentNone = "consent-none",
        /// The person said no.
        ConsentRefused = "consent-refused",
        /// The person took their consent back.
        ConsentWithdrawn = "consent-withdrawn",
        /// The consent is older than the purpose's validity.
        ConsentExpired = "consent-expired",
        /// The notice has asked for renewal since.
        ConsentOutdated = "consent-outdated",
        /// The app has ended the contract with the person.
        Ended = "ended",
        /// The person objects (Art. 21).
        Objected = "objected",
        /// Processing of the person's data is restricted (Art. 18).
        Restricted = "restricted",
        /// The person is being erased (Art. 17).
        Erasing = "erasing",
    }
}

impl NotPermitted {
    const fn detail(self) -> &'static str {
        match self {
            Self::ConsentNone => "The person never gave consent (consent-none).",
            Self::ConsentRefused => "The person refused consent (consent-refused).",
            Self::ConsentWithdrawn => "The person withdrew consent (consent-withdrawn).",
            Self::ConsentExpired => "The consent has expired (consent-expired).",
            Self::ConsentOutdated => "The notice asks for new consent (consent-outdated).",
            Self::Ended => "The app has ended the purpose for the person (ended).",
            Self::Objected => "The person objects (objected).",
            Self::Restricted => "Processing is restricted (restricted).",
            Self::Erasing => "The person is being erased (erasing).",
        }
    }
}

impl std::error::Error for NotPermitted {}

impl From<NotPermitted> for Refusal {
    fn from(reason: NotPermitted) -> Self {
        let code = match reason {
            NotPermitted::Restricted => Code::SubjectRestricted,
            NotPermitted::Erasing => Code::SubjectErasing,
            _ => Code::PurposeNotPermitted,
        };
        Refusal::new(code).detail(reason.detail())
    }
}

/// What stands about one subject and one purpose, beside consent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The subject's state.
    pub subject: SubjectState,
    /// The person objects to the purpose (Art. 21).
    pub objected: bool,
    /// The app has ended the purpose for the person, such as a contract.
    pub ended: bool,
}

/// Whether a purpose holds: nobody is being erased, no restriction stands, and then by lawful
/// basis. Consent must be granted, neither expired nor outdated; a contract must not have ended;
/// no objection may stand against public task, legitimate interests (Art. 21(1)) or direct
/// marketing (Art. 21(2), whatever its basis).
///
/// # Errors
/// The first reason against it, in the order above.
pub fn purpose_holds(
    purpose: &Purpose,
    consent: &CurrentConsent,
    standing: Standing,
) -> Result<(), NotPermitted> {
    match standing.subject {
        SubjectState::Erasing => return Err(NotPermitted::Erasing),
        SubjectState::Restricted => return Err(NotPermitted::Restricted),
        SubjectState::Active => {}
    }
    if standing.objected && open_to_objection(purpose) {
        return Err(NotPermitted::Objected);
    }
    match purpose.lawful_basis {
        LawfulBasis::Consent => consent_holds(consent.state),
        LawfulBasis::Contract if standing.ended => Err(NotPermitted::Ended),
        _ => Ok(()),
    }
}

fn open_to_objection(purpose: &Purpose) -> bool {
    purpose.direct_marketing
        || matches!(
            purpose.lawful_basis,
            LawfulBasis::PublicTask | LawfulBasis::LegitimateInterests
        )
}

fn consent_holds(state: State) -> Result<(), NotPermitted> {
    match state {
        State::Granted => Ok(()),
        State::None => Err(NotPermitted::ConsentNone),
        State::Refused => Err(NotPermitted::ConsentRefused),
        State::Withdrawn => Err(NotPermitted::ConsentWithdrawn),
        State::Expired => Err(NotPermitted::ConsentExpired),
        State::Outdated => Err(NotPermitted::ConsentOutdated),
    }
}
