//! Data subject requests: the rights, the states of a request, the steps of its job, its scope and
//! the plan of an erasure. Knows neither the queue that runs a job nor what a step does.

mod plan;
mod scope;
mod steps;

use crate::problem::{Code, Refusal};
use crate::wire::wire_enum;

pub use plan::{Decider, ErasedCategory, Keeper, KeptItem, Plan, RecordFields, Withhold};
pub use scope::RequestScope;
pub use steps::{ErasureStep, ExportStep, Step};

wire_enum! {
    /// Where a subject stands.
    SubjectState, "subject state" {
        /// Nothing stands against processing as such.
        Active = "active",
        /// Stored and not otherwise processed (Art. 18(2)).
        Restricted = "restricted",
        /// An erasure was acknowledged: calls that start later find nobody.
        Erasing = "erasing",
    }
}

wire_enum! {
    /// What a person asks for.
    Right, "right" {
        /// A copy of everything, with the information of Art. 15(1).
        Access = "access",
        /// What the person provided, to be used elsewhere (Art. 20).
        Portability = "portability",
        /// To be forgotten (Art. 17).
        Erasure = "erasure",
        /// To be corrected (Art. 16).
        Rectification = "rectification",
        /// To have processing stopped for a time (Art. 18).
        Restriction = "restriction",
        /// To object to processing (Art. 21).
        Objection = "objection",
    }
}

impl Right {
    /// Whether the service runs requests for the right.
    #[must_use]
    pub const fn served(self) -> bool {
        matches!(self, Right::Access | Right::Portability | Right::Erasure)
    }
}

wire_enum! {
    /// Where a request stands.
    RequestState, "request state" {
        /// Made; nothing was done yet.
        Received = "received",
        /// Its job works on it.
        Running = "running",
        /// Everything was done.
        Completed = "completed",
        /// Its job gave up; staff may have it tried again.
        Failed = "failed",
        /// Taken back before it took effect.
        Cancelled = "cancelled",
    }
}

wire_enum! {
    /// What happens to a request.
    Transition, "transition" {
        /// The job begins.
        Start = "start",
        /// The last step was done.
        Complete = "complete",
        /// The job gives up.
        Fail = "fail",
        /// A failed job is tried again, from the step it had reached.
        Retry = "retry",
        /// The request is taken back.
        Cancel = "cancel",
    }
}

impl RequestState {
    /// Whether nothing can happen to the request any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, RequestState::Completed | RequestState::Cancelled)
    }

    /// The state after a transition of a request for `right`.
    ///
    /// An erasure that began cannot be taken back: it was acknowledged to the person, and data may
    /// be gone. An export can, at any time before it is complete.
    ///
    /// # Errors
    /// `illegal-transition` when the state does not allow it.
    pub fn after(self, transition: Transition, right: Right) -> Result<Self, Refusal> {
        use RequestState as S;
        match (self, transition) {
            (S::Received, Transition::Start) | (S::Failed, Transition::Retry) => Ok(S::Running),
            (S::Running, Transition::Complete) => Ok(S::Completed),
            (S::Running, Transition::Fail) => Ok(S::Failed),
            (S::Received, Transition::Cancel) => Ok(S::Cancelled),
            (S::Running | S::Failed, Transition::Cancel) if right != Right::Erasure => {
                Ok(S::Cancelled)
            }
            _ => Err(Refusal::new(Code::IllegalTransition)),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::{RequestState, Right, Transition};

    #[test]
    fn words_read_back_and_others_are_refused_without_repeating_them() {
        for right in Right::ALL {
            assert_eq!(right.as_str().parse::<Right>().unwrap(), *right);
            assert_eq!(serde_json::to_value(right).unwrap(), right.as_str());
        }
        let error = serde_json::from_str::<Right>("\"secret\"").unwrap_err();
        assert_eq!(error.to_string(), "there is no such right");
        let served: Vec<_> = Right::ALL.iter().filter(|r| r.served()).collect();
        assert_eq!(served, [&Right::Access, &Right::Portability, &Right::Erasure]);
    }

    #[test]
    fn a_request_goes_its_way_to_the_end() {
        use {RequestState as S, Transition as T};
        for (from, transition, to) in [
            (S::Received, T::Start, Some(S::Running)),
            (S::Running, T::Complete, Some(S::Completed)),
            (S::Running, T::Fail, Some(S::Failed)),
            (S::Failed, T::Retry, Some(S::Running)),
            (S::Received, T::Complete, None),
            (S::Running, T::Start, None),
            (S::Failed, T::Complete, None),
            (S::Completed, T::Retry, None),
        ] {
            let after = Right::ALL.iter().map(|right| from.after(transition, *right).ok());
            assert!(after.into_iter().all(|state| state == to), "{from:?} {transition:?}");
        }
    }

    #[test]
    fn an_erasure_that_began_cannot_be_cancelled() {
        for state in [RequestState::Running, RequestState::Failed] {
            assert!(state.after(Transition::Cancel, Right::Erasure).is_err());
            assert_eq!(
                state.after(Transition::Cancel, Right::Access).unwrap(),
                RequestState::Cancelled
            );
        }
        let received = RequestState::Received;
        assert!(received.after(Transition::Cancel, Right::Erasure).is_ok());
    }

    proptest! {
        #[test]
        fn final_states_stay_and_completion_follows_a_start(
            right in prop::sample::select(Right::ALL),
            moves in prop::collection::vec(prop::sample::select(Transition::ALL), 0..12),
        ) {
            let (mut state, mut started) = (RequestState::Received, false);
            for transition in moves {
                let next = state.after(transition, right);
                if state.is_final() {
                    prop_assert!(next.is_err());
                }
                started |= next.is_ok() && transition == Transition::Start;
                state = next.unwrap_or(state);
                prop_assert!(started || !matches!(state,
                    RequestState::Running | RequestState::Completed | RequestState::Failed));
            }
        }

        #[test]
        fn every_state_that_is_not_final_can_still_end_well(
            right in prop::sample::select(Right::ALL),
            state in prop::sample::select(RequestState::ALL),
        ) {
            let way_on = Transition::ALL.iter().any(|t| state.after(*t, right).is_ok());
            prop_assert_eq!(way_on, !state.is_final());
        }
    }
}
