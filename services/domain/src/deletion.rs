//! Deleting an app: the states of an app, and the steps that its deletion takes.

use crate::clock::Time;
use crate::wire::wire_enum;

/// How long a proposal waits for its approval, in seconds: 7 days.
pub const PROPOSAL_SECONDS: i64 = 7 * 24 * 3_600;

wire_enum! {
    /// Whether an app can be used.
    AppState, "state of an app" {
        /// It can.
        Active = "active",
        /// Its deletion was approved: nobody reaches it any more.
        Deleting = "deleting",
        /// Nothing but its name is left.
        Deleted = "deleted",
    }
}

wire_enum! {
    /// What the deletion of an app has done, in the one order that keeps its promises: nothing is
    /// destroyed before it is journaled, the certificate is signed after rows and people's keys were
    /// counted as gone, and the keys that sign go last.
    DeletionStep, "step of a deletion" {
        /// One admin asks for it.
        Proposed = "proposed",
        /// Another admin agreed: nobody reaches the app any more.
        Approved = "approved",
        /// A restore of either database is to replay it.
        Journaled = "journaled",
        /// The rows of the app in `data` are deleted.
        DataDeleted = "data_deleted",
        /// The data keys and the blind indexes are deleted.
        KeysDeleted = "keys_deleted",
        /// Every table was counted.
        Verified = "verified",
        /// The certificate is signed, and not given out yet.
        Certified = "certified",
        /// The app's own keys are deleted; the public halves of those that signed are kept.
        AppKeysDeleted = "app_keys_deleted",
        /// It has come to its end.
        Deleted = "deleted",
    }
}

wire_enum! {
    /// How a deletion looks from outside.
    DeletionState, "state of a deletion" {
        /// It waits for another admin.
        Proposed = "proposed",
        /// It waited too long: it can only be cancelled, or proposed again.
        Expired = "expired",
        /// It was approved and cannot be stopped.
        Deleting = "deleting",
        /// It has come to its end.
        Deleted = "deleted",
    }
}

impl DeletionState {
    /// The state at `now` of a deletion that has reached `step` and could be approved before
    /// `expires_at`.
    #[must_use]
    pub fn of(step: DeletionStep, expires_at: Time, now: Time) -> Self {
        match step {
            DeletionStep::Proposed if now < expires_at => Self::Proposed,
            DeletionStep::Proposed => Self::Expired,
            DeletionStep::Deleted => Self::Deleted,
            _ => Self::Deleting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DeletionState, DeletionStep, PROPOSAL_SECONDS};
    use crate::clock::{Day, Time};

    #[test]
    fn a_proposal_expires_to_the_second_and_nothing_later_does() {
        let until = Time(0).plus_seconds(PROPOSAL_SECONDS);
        assert_eq!(until.day_utc(), Day(7));
        let state = |step, now| DeletionState::of(step, until, now);
        let before = until.plus_seconds(-1);
        assert_eq!(state(DeletionStep::Proposed, before), DeletionState::Proposed);
        assert_eq!(state(DeletionStep::Proposed, until), DeletionState::Expired);
        for step in &DeletionStep::ALL[1..] {
            let ended = *step == DeletionStep::Deleted;
            let expected = if ended { DeletionState::Deleted } else { DeletionState::Deleting };
            assert_eq!(state(*step, until), expected);
        }
    }
}
