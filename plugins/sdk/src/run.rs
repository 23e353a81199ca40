//! From columns to columns: what the exports of a component call, and what tests call natively.

use crate::bindings::audit::exports::oubli::policy::audit as wire;
use crate::bindings::types::{Batch, Context, PolicyError, Verdicts};
use crate::record::RecordView;
use crate::settings::{Problem, policy};
use crate::verdict::Columns;
use crate::{Act, Audit, Declared, Guard, Policy, Retention};

/// Checks settings.
///
/// # Errors
/// What is wrong with them.
pub fn validate<P: Policy>(json: &str) -> Result<(), Vec<Problem>> {
    policy::<P>(json).map(|_policy| ())
}

/// Answers `retention`.
///
/// # Errors
/// `bad-settings`.
pub fn retention<P: Retention>(
    settings: &str,
    context: &Context,
    batch: &Batch,
) -> Result<Verdicts, PolicyError> {
    let policy = ready::<P>(settings)?;
    let mut columns = Columns::new();
    for (item, record) in (0..).zip(RecordView::all(context, batch)) {
        columns.verdict(item, policy.decide(record));
    }
    Ok(columns.finish())
}

/// Answers `guard`.
///
/// # Errors
/// `bad-settings`.
pub fn guard<P: Guard>(
    settings: &str,
    context: &Context,
    act: Act,
    batch: &Batch,
) -> Result<Verdicts, PolicyError> {
    let policy = ready::<P>(settings)?;
    let mut columns = Columns::new();
    for (item, record) in (0..).zip(RecordView::all(context, batch)) {
        columns.withhold(item, policy.withhold(act, record));
    }
    Ok(columns.finish())
}

/// Answers `audit`.
///
/// # Errors
/// `bad-settings`, and what the policy fails with.
pub fn audit<P: Audit>(
    settings: &str,
    context: &Context,
    declared: wire::Declared,
    batch: &Batch,
) -> Result<Verdicts, PolicyError> {
    let policy = ready::<P>(settings)?;
    let mut columns = Columns::new();
    for (item, record) in (0..).zip(RecordView::all(context, batch)) {
        policy.audit(record, &mut columns.findings(Some(item)));
    }
    policy.audit_data_map(&Declared::from(declared), &mut columns.findings(None))?;
    Ok(columns.finish())
}

/// The host holds settings against `validate-settings` first.
fn ready<P: Policy>(settings: &str) -> Result<P, PolicyError> {
    policy(settings).map_err(|_problems| PolicyError::BadSettings)
}
