//! What becomes of an item when several retention policies speak of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use oubli_domain::Day;

use crate::batch::ItemFlags;
use crate::verdict::{Outcome, Retention, Verdict};

/// What becomes of an item. The order is that of precedence: hold > keep > review > clear > erase.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resolution {
    /// A legal hold stands on it; whatever policies say, it is kept.
    Held,
    /// It is kept up to this day, the latest that a policy names.
    Keep {
        /// The last day.
        until: Day,
    },
    /// A person decides: a policy asks for it, or failed at the item.
    Review,
    /// The values of these fields go: all that a policy names.
    Clear {
        /// Names of fields.
        fields: BTreeSet<Arc<str>>,
    },
    /// It goes.
    Erase,
    /// It stays as it is: no policy says anything, or what they say may not be done to data that is
    /// restricted (Art. 18).
    Unchanged,
}

/// Unites what the policies in force say of one item. Their order makes no difference.
#[must_use]
pub fn resolve<'a>(
    flags: ItemFlags,
    outcomes: impl IntoIterator<Item = &'a Outcome<Verdict<Retention>>>,
) -> Resolution {
    if flags.held {
        return Resolution::Held;
    }
    let united = outcomes.into_iter().map(of_one).fold(Resolution::Unchanged, stronger);
    match united {
        Resolution::Clear { .. } | Resolution::Erase if flags.restricted => Resolution::Unchanged,
        other => other,
    }
}

fn of_one(outcome: &Outcome<Verdict<Retention>>) -> Resolution {
    match outcome {
        Outcome::Silent => Resolution::Unchanged,
        Outcome::Failed(_) => Resolution::Review,
        Outcome::Decided(verdict) => match &verdict.action {
            Retention::Keep { until } => Resolution::Keep { until: *until },
            Retention::Review => Resolution::Review,
            Retention::Clear { fields } => {
                Resolution::Clear { fields: fields.iter().cloned().collect() }
            }
            Retention::Erase => Resolution::Erase,
        },
    }
}

fn stronger(one: Resolution, other: Resolution) -> Resolution {
    match (one, other) {
        (Resolution::Keep { until: a }, Resolution::Keep { until: b }) => {
            Resolution::Keep { until: a.max(b) }
        }
        (Resolution::Clear { fields: mut a }, Resolution::Clear { fields: b }) => {
            a.extend(b);
            Resolution::Clear { fields: a }
        }
        (one, other) if rank(&one) >= rank(&other) => one,
        (_, other) => other,
    }
}

fn rank(resolution: &Resolution) -> u8 {
    match resolution {
        Resolution::Held => 5,
        Resolution::Keep { .. } => 4,
        Resolution::Review => 3,
        Resolution::Clear { .. } => 2,
        Resolution::Erase => 1,
        Resolution::Unchanged => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oubli_domain::Day;

    use super::{Resolution, resolve};
    use crate::batch::ItemFlags;
    use crate::error::RunError;
    use crate::manifest::{Rule, RuleKind};
    use crate::verdict::{Outcome, Retention, Verdict};

    fn decided(action: Retention) -> Outcome<Verdict<Retention>> {
        let rule = Rule {
            code: "rule".to_owned(),
            title: "Rule".to_owned(),
            kind: RuleKind::Limit,
            legal_reference: None,
        };
        Outcome::Decided(Verdict { action, rule: Arc::new(rule), message: None })
    }

    fn clear(field: &str) -> Outcome<Verdict<Retention>> {
        decided(Retention::Clear { fields: vec![field.into()] })
    }

    fn keep(day: i32) -> Outcome<Verdict<Retention>> {
        decided(Retention::Keep { until: Day(day) })
    }

    /// From the weakest to the strongest, with what each leads to by itself.
    fn ladder() -> Vec<(Outcome<Verdict<Retention>>, Resolution)> {
        let phone = Resolution::Clear { fields: ["phone".into()].into() };
        vec![
            (Outcome::Silent, Resolution::Unchanged),
            (decided(Retention::Erase), Resolution::Erase),
            (clear("phone"), phone),
            (Outcome::Failed(RunError::Trap), Resolution::Review),
            (decided(Retention::Review), Resolution::Review),
            (keep(5), Resolution::Keep { until: Day(5) }),
        ]
    }

    #[test]
    fn the_stronger_wins_in_whatever_order_they_come() {
        let ladder = ladder();
        for (n, (strong, expected)) in ladder.iter().enumerate() {
            for (weak, _) in &ladder[..=n] {
                let free = ItemFlags::default();
                assert_eq!(resolve(free, [strong, weak]), *expected);
                assert_eq!(resolve(free, [weak, strong]), *expected);
            }
        }
    }

    #[test]
    fn days_are_the_latest_and_fields_are_united() {
        let free = ItemFlags::default();
        let latest = Resolution::Keep { until: Day(9) };
        assert_eq!(resolve(free, [&keep(5), &keep(9), &keep(7)]), latest);
        let both = Resolution::Clear { fields: ["phone".into(), "street".into()].into() };
        assert_eq!(resolve(free, [&clear("street"), &clear("phone")]), both);
        assert_eq!(resolve(free, []), Resolution::Unchanged);
    }

    #[test]
    fn a_hold_keeps_everything_and_a_restriction_from_destruction() {
        let held = ItemFlags { held: true, ..ItemFlags::default() };
        let restricted = ItemFlags { restricted: true, ..ItemFlags::default() };
        for (outcome, alone) in ladder() {
            assert_eq!(resolve(held, [&outcome]), Resolution::Held);
            let expected = match alone {
                Resolution::Clear { .. } | Resolution::Erase => Resolution::Unchanged,
                other => other,
            };
            assert_eq!(resolve(restricted, [&outcome]), expected);
        }
    }
}
