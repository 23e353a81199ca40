//! Where an answer ended, so that the next one goes on there.

use std::fmt;
use std::str::FromStr;

use oubli_domain::{Code, Name, RecordId, Refusal, SubjectId};

/// A record of one person: its category and its id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Its category.
    pub category: Name,
    /// Its id.
    pub record: RecordId,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.category, self.record)
    }
}

impl FromStr for Place {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let (category, record) = text.split_once('.').ok_or(Code::InvalidCursor)?;
        Ok(Self { category: Name::new(category)?, record: RecordId::new(record)? })
    }
}

/// The last that was answered of a walk over people: a person, whole or up to a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HolderPosition {
    /// The person.
    pub subject: SubjectId,
    /// The last record of theirs that was answered, where more are left.
    pub after: Option<Place>,
}

impl fmt::Display for HolderPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.after {
            None => self.subject.fmt(f),
            Some(place) => write!(f, "{}.{place}", self.subject),
        }
    }
}

impl FromStr for HolderPosition {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        Ok(match text.split_once('.') {
            None => Self { subject: text.parse()?, after: None },
            Some((subject, place)) => {
                Self { subject: subject.parse()?, after: Some(place.parse()?) }
            }
        })
    }
}

/// Where the answer to a named list of people ended: before an item, or within it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ItemPosition {
    /// The item to go on with, from 0.
    pub(super) item: usize,
    /// The last record of it that was answered, if any was.
    pub(super) after: Option<Place>,
}

impl fmt::Display for ItemPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.after {
            None => write!(f, "{}", self.item),
            Some(place) => write!(f, "{}.{place}", self.item),
        }
    }
}

impl FromStr for ItemPosition {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let number = |text: &str| text.parse().map_err(|_| Refusal::new(Code::InvalidCursor));
        Ok(match text.split_once('.') {
            None => Self { item: number(text)?, after: None },
            Some((item, place)) => Self { item: number(item)?, after: Some(place.parse()?) },
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{HolderPosition, ItemPosition};

    #[test]
    fn positions_read_back_and_nothing_else_does() {
        let subject = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19";
        for text in [subject.to_owned(), format!("{subject}.profile.main-1")] {
            assert_eq!(text.parse::<HolderPosition>().unwrap().to_string(), text);
        }
        for text in ["0", "999.profile.main"] {
            assert_eq!(text.parse::<ItemPosition>().unwrap().to_string(), text);
        }
        for bad in ["", "x", "1.", "1.profile", "1.Profile.x", "1.profile.a.b", "-1", "sub_1.a.b"] {
            assert!(bad.parse::<ItemPosition>().is_err(), "{bad}");
            assert!(bad.parse::<HolderPosition>().is_err(), "{bad}");
        }
    }
}
