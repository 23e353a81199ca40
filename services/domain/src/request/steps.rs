//! The steps of a request's job. A job stores the step it has done, so that it resumes at any.

use super::Right;
use crate::problem::{Code, Refusal};
use crate::wire::wire_enum;

wire_enum! {
    /// What an erasure has done, in the one order that keeps its promises: nothing is destroyed
    /// before it is planned and journaled, and nothing certified before it was counted.
    ErasureStep, "erasure step" {
        /// The subject is `erasing`: later calls find nobody.
        Acknowledged = "acknowledged",
        /// What must stay is known, field by field.
        Planned = "planned",
        /// A restore of either database will replay the erasure.
        Journaled = "journaled",
        /// What must stay stands under keys of its own.
        Kept = "kept",
        /// Rows are deleted.
        DataDeleted = "data_deleted",
        /// The data key and the blind indexes are deleted.
        KeysDeleted = "keys_deleted",
        /// Every table was counted.
        Verified = "verified",
        /// The certificate is issued.
        Certified = "certified",
    }
}

wire_enum! {
    /// What an export has done.
    ExportStep, "export step" {
        /// The bundle has an id and a key.
        Started = "started",
        /// Every part and the manifest are stored.
        Built = "built",
        /// It can be downloaded.
        Ready = "ready",
    }
}

macro_rules! in_order {
    ($($name:ident)*) => {$(
        impl $name {
            /// The first step.
            #[must_use]
            pub const fn first() -> Self {
                Self::ALL[0]
            }

            /// The step that comes next; none after the last.
            #[must_use]
            pub fn next(self) -> Option<Self> {
                Self::ALL.iter().copied().find(|step| *step > self)
            }
        }
    )*};
}

in_order! { ErasureStep ExportStep }

/// A step of a job of either kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    /// Of an erasure.
    Erasure(ErasureStep),
    /// Of an access or portability request.
    Export(ExportStep),
}

impl Step {
    /// The first step of the job for a right; none where the service runs no job for it.
    #[must_use]
    pub fn first(right: Right) -> Option<Self> {
        match right {
            Right::Erasure => Some(Self::Erasure(ErasureStep::first())),
            Right::Access | Right::Portability => Some(Self::Export(ExportStep::first())),
            Right::Rectification | Right::Restriction | Right::Objection => None,
        }
    }

    /// Reads the stored form of a step of the job for a right.
    ///
    /// # Errors
    /// `invalid-body` when the right has no such step.
    pub fn parse(right: Right, text: &str) -> Result<Self, Refusal> {
        match Self::first(right) {
            Some(Self::Erasure(_)) => text.parse().map(Self::Erasure),
            Some(Self::Export(_)) => text.parse().map(Self::Export),
            None => Err(Refusal::new(Code::InvalidBody).detail("The right has no steps.")),
        }
    }

    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Erasure(step) => step.as_str(),
            Self::Export(step) => step.as_str(),
        }
    }

    /// The step that comes next; none after the last.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        match self {
            Self::Erasure(step) => step.next().map(Self::Erasure),
            Self::Export(step) => step.next().map(Self::Export),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{ErasureStep, Right, Step};

    #[test]
    fn steps_lead_from_the_first_to_the_last() {
        let walk = |right| {
            std::iter::successors(Step::first(right), |step| step.next())
                .map(Step::as_str)
                .collect::<Vec<_>>()
        };
        assert_eq!(walk(Right::Access), ["started", "built", "ready"]);
        assert_eq!(walk(Right::Portability), walk(Right::Access));
        assert_eq!(walk(Right::Erasure).len(), ErasureStep::ALL.len());
        assert_eq!(walk(Right::Erasure).last(), Some(&"certified"));
        assert!(walk(Right::Objection).is_empty());
    }

    #[test]
    fn steps_read_back_for_their_right_alone() {
        for right in Right::ALL {
            for step in std::iter::successors(Step::first(*right), |step| step.next()) {
                assert_eq!(Step::parse(*right, step.as_str()).unwrap(), step);
            }
        }
        assert!(Step::parse(Right::Access, "certified").is_err());
        assert!(Step::parse(Right::Objection, "started").is_err());
    }
}
