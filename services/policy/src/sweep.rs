//! [`Sweep`]: one policy over many batches. Cuts them into chunks, finds the items at which a chunk
//! fails so that the others are still decided, and gives up after too many failures.

use std::collections::HashSet;
use std::ops::Range;

use wasmtime::Store;
use wasmtime::component::Instance;

use crate::batch::{Batch, Context, Declared, day};
use crate::chunk::{self, Chunk};
use crate::error::{BadOutput, PolicyError, RunError};
use crate::manifest::Interface;
use crate::output::{self, Indexing, Row};
use crate::plugin::{Fault, Guest, Plugin, Run, Time};
use crate::settings::Settings;
use crate::verdict::{
    Act, AuditReport, Effort, Finding, Outcome, Report, Retention, Verdict, Withhold,
};
use crate::wit::exports::oubli::policy::{audit, guard};
use crate::wit::oubli::policy::types;

/// One policy over the batches of one sweep: the same settings and context for all, and one count of
/// failures. Calls block while the guest runs.
#[derive(Debug)]
pub struct Sweep<'a> {
    plugin: &'a Plugin,
    settings: &'a Settings,
    context: &'a Context,
    failed: u32,
    failing: bool,
}

/// What is asked.
#[derive(Clone, Copy)]
enum Question<'a> {
    Retention,
    Guard(Act),
    Audit(&'a Declared),
}

/// Verdicts with the items that they are on; none for the data map.
type Rows<T> = Vec<(Option<usize>, T)>;

type Answer = Result<types::Verdicts, types::PolicyError>;

impl Plugin {
    /// Begins a sweep.
    #[must_use]
    pub fn sweep<'a>(&'a self, settings: &'a Settings, context: &'a Context) -> Sweep<'a> {
        Sweep { plugin: self, settings, context, failed: 0, failing: false }
    }
}

impl Sweep<'_> {
    /// Whether the policy failed so often, or so early, that it is not asked any more: every further
    /// item is [`RunError::Failing`].
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failing
    }

    /// Asks what becomes of the items.
    pub fn retention(&mut self, batch: &Batch) -> Report<Verdict<Retention>> {
        let mut tally = Tally::default();
        self.judge(Question::Retention, batch, Row::retention, &mut tally);
        tally.report(batch)
    }

    /// Asks what is withheld from a destruction.
    pub fn guard(&mut self, act: Act, batch: &Batch) -> Report<Verdict<Withhold>> {
        let mut tally = Tally::default();
        self.judge(Question::Guard(act), batch, Row::guard, &mut tally);
        tally.report(batch)
    }

    /// Asks for findings in the items and in the data map. An empty batch asks about the latter alone.
    pub fn audit(&mut self, declared: &Declared, batch: &Batch) -> AuditReport {
        let mut tally = Tally::default();
        self.judge(Question::Audit(declared), batch, Row::audit, &mut tally);
        tally.audit_report(batch)
    }

    fn judge<T>(
        &mut self,
        question: Question<'_>,
        batch: &Batch,
        read: fn(Row) -> Result<T, BadOutput>,
        tally: &mut Tally<T>,
    ) {
        let time = if batch.len() == 1 { Time::Single } else { Time::Chunk };
        let mut left = chunk::cut(batch, &self.plugin.runtime.limits);
        left.reverse();
        while let Some(items) = left.pop() {
            if self.failing {
                tally.fail(items, RunError::Failing);
                continue;
            }
            match self.judge_chunk(question, batch, items.clone(), time, read) {
                Ok(run) => tally.add(run),
                Err(fault) => {
                    self.count(fault);
                    tally.effort.runs += 1;
                    tally.effort.failed_runs += 1;
                    if self.failing || items.len() <= 1 {
                        tally.fail(items, fault.error);
                    } else {
                        // The right half waits while the left is judged.
                        let middle = items.start + items.len() / 2;
                        left.push(middle..items.end);
                        left.push(items.start..middle);
                    }
                }
            }
        }
    }

    /// A plugin that fails before it sees an item, or refuses its settings, fails at every item.
    fn count(&mut self, fault: Fault) {
        self.failed += 1;
        let hopeless = !fault.started
            || fault.error == RunError::Policy(PolicyError::BadSettings)
            || matches!(fault.error, RunError::NotExported(_));
        self.failing = hopeless || self.failed >= self.plugin.runtime.limits.failed_runs;
    }

    fn judge_chunk<T>(
        &self,
        question: Question<'_>,
        batch: &Batch,
        items: Range<usize>,
        time: Time,
        read: fn(Row) -> Result<T, BadOutput>,
    ) -> Result<Run<Rows<T>>, Fault> {
        let chunk = Chunk::of(batch, items);
        let Run { value, fuel } = self.ask(question, &chunk, time)?;
        let fault = |error| Fault { error, started: true };
        let verdicts = value.map_err(|error| fault(RunError::Policy(error.into())))?;
        let rows = self
            .read(question, &verdicts, &chunk)
            .map_err(|error| fault(RunError::BadOutput(error)))?;
        let read = |row: Row| Ok((row.item, read(row)?));
        let value = rows
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(|error| fault(RunError::BadOutput(error)))?;
        Ok(Run { value, fuel })
    }

    fn read(
        &self,
        question: Question<'_>,
        verdicts: &types::Verdicts,
        chunk: &Chunk<'_>,
    ) -> Result<Vec<Row>, BadOutput> {
        let indexing = match question {
            Question::Audit(_) => Indexing::Findings,
            _ => Indexing::Once,
        };
        output::read(verdicts, chunk, self.settings.rules(), self.context.today, indexing)
    }

    fn ask(
        &self,
        question: Question<'_>,
        chunk: &Chunk<'_>,
        time: Time,
    ) -> Result<Run<Answer>, Fault> {
        let interface = question.interface();
        if !self.plugin.manifest().has(interface) {
            return Err(Fault { error: RunError::NotExported(interface), started: false });
        }
        self.plugin.run(time, |store, instance| self.call(question, chunk, store, instance))
    }

    fn call(
        &self,
        question: Question<'_>,
        chunk: &Chunk<'_>,
        store: &mut Store<Guest>,
        instance: &Instance,
    ) -> wasmtime::Result<Answer> {
        let digest = crate::digest::hex(&self.context.data_map);
        let context = types::Context {
            today: self.context.today.0,
            app: self.context.app.as_str(),
            jurisdiction: &self.context.jurisdiction,
            data_map_digest: &digest,
        };
        let (settings, batch) = (self.settings.json(), chunk.columns());
        let exports = &self.plugin.exports;
        let missing = || wasmtime::Error::msg("the interface was not found at load");
        match question {
            Question::Retention => {
                let indices = exports.retention.as_ref().ok_or_else(missing)?;
                let guest = indices.load(&mut *store, instance)?;
                guest.call_evaluate(&mut *store, settings, context, batch)
            }
            Question::Guard(act) => {
                let indices = exports.guard.as_ref().ok_or_else(missing)?;
                let guest = indices.load(&mut *store, instance)?;
                guest.call_evaluate(&mut *store, settings, context, act.into(), batch)
            }
            Question::Audit(declared) => {
                let columns = DeclaredColumns::of(declared);
                let indices = exports.audit.as_ref().ok_or_else(missing)?;
                let guest = indices.load(&mut *store, instance)?;
                guest.call_evaluate(&mut *store, settings, context, columns.lower(), batch)
            }
        }
    }
}

impl Question<'_> {
    fn interface(self) -> Interface {
        match self {
            Question::Retention => Interface::Retention,
            Question::Guard(_) => Interface::Guard,
            Question::Audit(_) => Interface::Audit,
        }
    }
}

impl From<Act> for guard::Act {
    fn from(act: Act) -> Self {
        match act {
            Act::Request => guard::Act::Request,
            Act::Retention => guard::Act::Retention,
            Act::Delete => guard::Act::Delete,
        }
    }
}

impl From<types::PolicyError> for PolicyError {
    fn from(error: types::PolicyError) -> Self {
        match error {
            types::PolicyError::BadSettings => PolicyError::BadSettings,
            types::PolicyError::Unsupported => PolicyError::Unsupported,
            types::PolicyError::Internal => PolicyError::Internal,
        }
    }
}

/// What an app declares, turned into columns.
struct DeclaredColumns<'a> {
    data_map: &'a str,
    purpose: Vec<&'a str>,
    live: Vec<u32>,
    older: Vec<u32>,
    oldest: Vec<i32>,
}

impl<'a> DeclaredColumns<'a> {
    fn of(declared: &'a Declared) -> Self {
        let purposes = &declared.purposes;
        Self {
            data_map: &declared.data_map,
            purpose: purposes.iter().map(|p| p.name.as_str()).collect(),
            live: purposes.iter().map(|p| p.live).collect(),
            older: purposes.iter().map(|p| p.older_notice).collect(),
            oldest: purposes.iter().map(|p| day(p.oldest_grant)).collect(),
        }
    }

    fn lower(&self) -> audit::Declared<'_> {
        audit::Declared {
            data_map: self.data_map,
            purpose: &self.purpose,
            live_consents: &self.live,
            older_notice: &self.older,
            oldest_grant: &self.oldest,
        }
    }
}

/// What the runs over a batch gave.
struct Tally<T> {
    rows: Rows<T>,
    failures: Vec<(Range<usize>, RunError)>,
    effort: Effort,
}

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), failures: Vec::new(), effort: Effort::default() }
    }
}

impl<T> Tally<T> {
    fn add(&mut self, run: Run<Rows<T>>) {
        self.effort.runs += 1;
        self.effort.fuel = self.effort.fuel.saturating_add(run.fuel);
        self.rows.extend(run.value);
    }

    fn fail(&mut self, items: Range<usize>, error: RunError) {
        self.failures.push((items, error));
    }

    fn outcomes<V>(failures: &[(Range<usize>, RunError)], batch: &Batch) -> Vec<Outcome<V>> {
        let mut items: Vec<_> = (0..batch.len()).map(|_| Outcome::Silent).collect();
        for (range, error) in failures {
            items[range.clone()].fill_with(|| Outcome::Failed(*error));
        }
        items
    }

    /// At most one verdict an item, as `Indexing::Once` saw to.
    fn report(self, batch: &Batch) -> Report<T> {
        let mut items = Self::outcomes(&self.failures, batch);
        for (item, verdict) in self.rows {
            if let Some(item) = item {
                items[item] = Outcome::Decided(verdict);
            }
        }
        Report { items, effort: self.effort }
    }
}

impl Tally<Verdict<Finding>> {
    fn audit_report(self, batch: &Batch) -> AuditReport {
        let mut items = Self::outcomes(&self.failures, batch);
        // What was found in the data map comes with every chunk, so one that succeeded is enough.
        let succeeded = self.effort.runs > self.effort.failed_runs;
        let failure = self.failures.first().map(|(_, error)| *error).filter(|_| !succeeded);
        let (mut data_map, mut seen) = (Vec::new(), HashSet::new());
        for (item, verdict) in self.rows {
            match item {
                Some(item) => found(&mut items[item], verdict),
                None if seen.insert(verdict.clone()) => data_map.push(verdict),
                None => {}
            }
        }
        AuditReport { items, data_map: failure.map_or(Ok(data_map), Err), effort: self.effort }
    }
}

fn found(outcome: &mut Outcome<Vec<Verdict<Finding>>>, finding: Verdict<Finding>) {
    match outcome {
        Outcome::Decided(findings) => findings.push(finding),
        other => *other = Outcome::Decided(vec![finding]),
    }
}
