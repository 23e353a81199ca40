//! [`Plugin`], and the macro that makes a component of a policy.

use serde_json::Value;

use crate::bindings::audit::exports::oubli::policy::audit as wire;
use crate::bindings::types::{Batch, Context, PolicyError, Verdicts};
use crate::{Act, Audit, Guard, Policy, Problem, Retention, run};

type RetentionFn = fn(&str, &Context, &Batch) -> Result<Verdicts, PolicyError>;
type GuardFn = fn(&str, &Context, Act, &Batch) -> Result<Verdicts, PolicyError>;
type AuditFn = fn(&str, &Context, wire::Declared, &Batch) -> Result<Verdicts, PolicyError>;

/// A policy as tests see it: the functions that its component exports, called natively.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "there are no tests in a component"))]
pub struct Plugin {
    pub(crate) schema: fn() -> Value,
    pub(crate) validate: fn(&str) -> Result<(), Vec<Problem>>,
    pub(crate) retention: Option<RetentionFn>,
    pub(crate) guard: Option<GuardFn>,
    pub(crate) audit: Option<AuditFn>,
}

impl Plugin {
    /// A plugin that answers nothing yet; [`export_policy!`](crate::export_policy) adds the rest.
    #[must_use]
    pub const fn of<P: Policy>() -> Self {
        Self {
            schema: || schemars::schema_for!(P::Settings).to_value(),
            validate: run::validate::<P>,
            retention: None,
            guard: None,
            audit: None,
        }
    }

    /// Adds `retention`.
    #[must_use]
    pub const fn retention<P: Retention>(self) -> Self {
        Self { retention: Some(run::retention::<P>), ..self }
    }

    /// Adds `guard`.
    #[must_use]
    pub const fn guard<P: Guard>(self) -> Self {
        Self { guard: Some(run::guard::<P>), ..self }
    }

    /// Adds `audit`.
    #[must_use]
    pub const fn audit<P: Audit>(self) -> Self {
        Self { audit: Some(run::audit::<P>), ..self }
    }
}

/// Makes the component's exports: `settings`, and the interfaces named, which must be those that the
/// manifest declares. Once a crate. Also makes `PLUGIN`, which tests take.
///
/// ```text
/// export_policy!(RetentionSchedule: retention, guard);
/// ```
#[macro_export]
macro_rules! export_policy {
    ($policy:ty: $($interface:ident),+ $(,)?) => {
        /// The policy, for tests.
        pub const PLUGIN: $crate::Plugin =
            $crate::Plugin::of::<$policy>()$(.$interface::<$policy>())+;

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Exports;
            $crate::__export_interface!(Exports, $policy, settings);
            $($crate::__export_interface!(Exports, $policy, $interface);)+
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_interface {
    ($exports:ident, $policy:ty, settings) => {
        impl $crate::bindings::settings::exports::oubli::policy::settings::Guest for $exports {
            fn validate_settings(
                json: String,
            ) -> Result<
                (),
                Vec<$crate::bindings::settings::exports::oubli::policy::settings::SettingsProblem>,
            > {
                $crate::run::validate::<$policy>(&json)
                    .map_err(|problems| problems.into_iter().map(Into::into).collect())
            }
        }
        $crate::bindings::settings::export_settings!(
            $exports with_types_in $crate::bindings::settings
        );
    };
    ($exports:ident, $policy:ty, retention) => {
        impl $crate::bindings::retention::exports::oubli::policy::retention::Guest for $exports {
            fn evaluate(
                settings: String,
                context: $crate::Context,
                batch: $crate::Batch,
            ) -> Result<$crate::Verdicts, $crate::PolicyError> {
                $crate::run::retention::<$policy>(&settings, &context, &batch)
            }
        }
        $crate::bindings::retention::export_retention!(
            $exports with_types_in $crate::bindings::retention
        );
    };
    ($exports:ident, $policy:ty, guard) => {
        impl $crate::bindings::guard::exports::oubli::policy::guard::Guest for $exports {
            fn evaluate(
                settings: String,
                context: $crate::Context,
                act: $crate::Act,
                batch: $crate::Batch,
            ) -> Result<$crate::Verdicts, $crate::PolicyError> {
                $crate::run::guard::<$policy>(&settings, &context, act, &batch)
            }
        }
        $crate::bindings::guard::export_guard!($exports with_types_in $crate::bindings::guard);
    };
    ($exports:ident, $policy:ty, audit) => {
        impl $crate::bindings::audit::exports::oubli::policy::audit::Guest for $exports {
            fn evaluate(
                settings: String,
                context: $crate::Context,
                declared: $crate::bindings::audit::exports::oubli::policy::audit::Declared,
                batch: $crate::Batch,
            ) -> Result<$crate::Verdicts, $crate::PolicyError> {
                $crate::run::audit::<$policy>(&settings, &context, declared, &batch)
            }
        }
        $crate::bindings::audit::export_audit!($exports with_types_in $crate::bindings::audit);
    };
}
