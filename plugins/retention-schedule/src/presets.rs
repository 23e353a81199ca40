//! The rows of the law. Their titles and legal references stand in `policy.toml`, under the same
//! codes; where each is from stands in the README.

use oubli_policy_sdk::{Malformed, Period};

use crate::settings::{Clock, Kind, Preset, Since, Year};

/// What a preset fixes.
pub(crate) struct Fixed {
    pub(crate) code: &'static str,
    pub(crate) kind: Kind,
    duration: &'static str,
    pub(crate) clock: Clock,
}

impl Fixed {
    pub(crate) fn duration(&self) -> Result<Period, Malformed> {
        self.duration.parse()
    }
}

const FINANCIAL: Clock = Clock { from: Since::ClockStart, end_of: Some(Year::FinancialYear) };
const CALENDAR: Clock = Clock { from: Since::ClockStart, end_of: Some(Year::CalendarYear) };
const CONTACT: Clock = Clock { from: Since::LastContact, end_of: None };

impl Preset {
    pub(crate) const fn fixed(self) -> Fixed {
        let (code, kind, duration, clock) = match self {
            Self::FrAccounting => ("fr-accounting", Kind::MustKeep, "P10Y", FINANCIAL),
            Self::FrProspects => ("fr-prospects", Kind::Limit, "P3Y", CONTACT),
            Self::DeBooks => ("de-books", Kind::MustKeep, "P10Y", CALENDAR),
            Self::DeVouchers => ("de-vouchers", Kind::MustKeep, "P8Y", CALENDAR),
        };
        Fixed { code, kind, duration, clock }
    }

    /// All of them.
    pub(crate) const ALL: [Self; 4] =
        [Self::FrAccounting, Self::FrProspects, Self::DeBooks, Self::DeVouchers];
}
