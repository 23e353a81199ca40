//! Where a page of an exposure begins.

use std::fmt;
use std::str::FromStr;

use oubli_domain::{Code, Refusal, SubjectId, Time};

/// The person before the page, and the end of the time that all pages tell of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExposurePosition {
    /// The person before.
    pub subject: SubjectId,
    /// The end of the time.
    pub until: Time,
}

impl fmt::Display for ExposurePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.subject, self.until.0)
    }
}

impl FromStr for ExposurePosition {
    type Err = Refusal;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let invalid = || Refusal::new(Code::InvalidCursor);
        let (subject, until) = text.split_once('.').ok_or_else(invalid)?;
        let until = Time(until.parse().map_err(|_| invalid())?);
        Ok(Self { subject: subject.parse().map_err(|_| invalid())?, until })
    }
}
