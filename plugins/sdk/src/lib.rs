//! Write policies for Oubli in Rust.
//!
//! A policy is a type that implements [`Policy`] and one or more of [`Retention`], [`Guard`] and
//! [`Audit`], each asked about one record at a time; [`export_policy!`] makes a component of it.
//! This crate turns the host's columns into views and verdicts into columns, reads the settings,
//! and has the arithmetic of days. The same code runs natively: `testing` holds a policy against
//! golden cases under `cargo test`. It must not know any policy, and imports nothing from the host.
//!
//! ```
//! use oubli_policy_sdk::{Period, Policy, Problem, RecordView, Retention, Verdict, export_policy};
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {
//!     /// How long drafts are kept.
//!     duration: Period,
//! }
//!
//! struct Drafts(Settings);
//!
//! impl Policy for Drafts {
//!     type Settings = Settings;
//!     fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
//!         Ok(Self(settings))
//!     }
//! }
//!
//! impl Retention for Drafts {
//!     fn decide(&self, record: RecordView<'_>) -> Verdict<'_> {
//!         if record.category() != "draft" {
//!             return Verdict::none();
//!         }
//!         let until = record.created().plus(self.0.duration);
//!         if record.today() <= until {
//!             Verdict::keep_until(until, "drafts")
//!         } else {
//!             Verdict::erase("drafts")
//!         }
//!     }
//! }
//!
//! export_policy!(Drafts: retention);
//! ```

#[doc(hidden)]
pub mod bindings;
mod day;
mod declared;
mod export;
mod record;
#[doc(hidden)]
pub mod run;
mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod verdict;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

pub use bindings::guard::exports::oubli::policy::guard::Act;
pub use bindings::types::{Batch, Context, PolicyError, Verdicts};
pub use day::{Day, Malformed, Period, YearEnd};
pub use declared::{Declared, PurposeConsents};
pub use export::Plugin;
pub use record::{FieldView, RecordView};
pub use settings::Problem;
pub use verdict::{Finding, Findings, Verdict, Withhold};

/// What every policy is: something that its settings make.
pub trait Policy: Sized {
    /// The form of its settings: read with serde, described with schemars.
    type Settings: DeserializeOwned + JsonSchema;

    /// Makes the policy, once a batch. What can be worked out of the settings alone belongs here.
    ///
    /// # Errors
    /// What is wrong with the settings, beyond their form: every problem at its place.
    fn new(settings: Self::Settings) -> Result<Self, Vec<Problem>>;
}

/// Decides what becomes of records as time passes.
pub trait Retention: Policy {
    /// What becomes of this record. It may depend on the record, the settings and the context alone.
    fn decide(&self, record: RecordView<'_>) -> Verdict<'_>;
}

/// Is asked before each destruction what must stay all the same (Art. 17(3)).
pub trait Guard: Policy {
    /// What of this record must stay though `act` is about to destroy it. It may depend on the act,
    /// the record, the settings and the context alone.
    fn withhold(&self, act: Act, record: RecordView<'_>) -> Withhold<'_>;
}

/// Looks for what the data protection officer should see.
pub trait Audit: Policy {
    /// Reports what is to be said of this record. It may depend on the record, the settings and the
    /// context alone. By default nothing.
    fn audit(&self, record: RecordView<'_>, findings: &mut Findings<'_>) {
        let _ = (record, findings);
    }

    /// Reports what is to be said of the app's data map and consents; asked once a batch, and the host
    /// counts what is alike once. By default nothing.
    ///
    /// # Errors
    /// Why it cannot be judged.
    fn audit_data_map(
        &self,
        declared: &Declared,
        findings: &mut Findings<'_>,
    ) -> Result<(), PolicyError> {
        let _ = (declared, findings);
        Ok(())
    }
}
