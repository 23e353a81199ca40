//! A policy that keeps and erases by a table: which categories, duty or limit, how long, from when,
//! by which law. `retention` and `guard` answer from the same table, so that what one keeps the other
//! withholds. Owns the table's form and what its rows say together; the settings hold the rows, and
//! [`presets`] those of French and German law.

mod presets;
mod settings;
mod table;

use oubli_policy_sdk::{
    Act, Guard, Policy, Problem, RecordView, Retention, Verdict, Withhold, export_policy,
};

pub use settings::{
    After, Clock, Kind, LegalReference, Preset, PresetRow, Row, Settings, Since, Year,
};
use table::{Ending, Table};

/// The policy.
#[derive(Debug)]
pub struct RetentionSchedule(Table);

impl Policy for RetentionSchedule {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        Table::new(settings).map(Self)
    }
}

impl RetentionSchedule {
    fn rows(&self, record: RecordView<'_>, duties: bool) -> impl Iterator<Item = Ending<'_>> {
        let rows = self.0.rows_of(record.category()).iter();
        rows.filter(move |row| row.is_duty() == duties).map(move |row| Ending::of(row, record))
    }
}

impl Retention for RetentionSchedule {
    /// While a duty runs, the record is kept up to the end of the longest. Then, while a limit runs,
    /// up to the end of the shortest. Then what that limit says is done; without a limit, what the
    /// duty that ended last says. A row whose clock has not started has no end, and says nothing.
    fn decide(&self, record: RecordView<'_>) -> Verdict<'_> {
        let today = record.today();
        let duty = self.rows(record, true).max_by_key(Ending::end);
        let limit = || self.rows(record, false).min_by_key(Ending::end);
        let decides = duty.filter(|row| row.runs(today)).or_else(limit).or(duty);
        decides.map_or_else(Verdict::none, |row| row.verdict(today))
    }
}

impl Guard for RetentionSchedule {
    /// Duties withhold while they run, whatever is about to destroy: what any of them covers, up to the
    /// end of the one that runs longest, which is cited.
    fn withhold(&self, _act: Act, record: RecordView<'_>) -> Withhold<'_> {
        let running = self.rows(record, true).filter(|row| row.runs(record.today()));
        running.map(|row| row.withhold(record)).fold(Withhold::none(), Withhold::and)
    }
}

export_policy!(RetentionSchedule: retention, guard);

#[cfg(test)]
mod tests {
    use super::PLUGIN;

    #[test]
    fn golden_cases_hold() {
        oubli_policy_sdk::testing::assert_golden(&PLUGIN, env!("CARGO_MANIFEST_DIR"));
    }
}
