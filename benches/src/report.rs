//! What a run found, in words: the part of `README.md` between two marks.

use std::fmt::{self, Display, Formatter, Write as _};
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::engine::Engine;
use crate::operations::Operation;
use crate::plots::PICTURES;
use crate::results::{Figures, Grown, Measured, OfEngine, Results, Whole};

const BEGIN: &str = "<!-- What follows is written by `make bench`. -->";
const END: &str = "<!-- Here ends what `make bench` writes. -->";

/// Puts the results into the README in `folder`.
///
/// # Errors
/// When it cannot be written, or lacks the marks.
pub(crate) fn write(results: &Results, folder: &Path) -> anyhow::Result<()> {
    let file = folder.join("README.md");
    let text = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
    let text = replaced(&text, &in_words(results)?).context("README.md lacks the marks")?;
    Ok(fs::write(&file, text)?)
}

fn replaced(text: &str, by: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{by}\n{END}{after}"))
}

fn in_words(results: &Results) -> Result<String, fmt::Error> {
    let Results { commit, date, machine, clients, seconds, rounds, engines } = results;
    let mut text = String::new();
    let versions: Vec<String> =
        engines.iter().map(|of| format!("{} {}", of.engine.title(), of.version)).collect();
    writeln!(
        text,
        "Commit `{commit}`, {date}. {}, {} cores, {} GiB of memory, Linux {}, {}; making 4 KiB durable \
         takes {:.0} µs. {}. {clients} clients, {rounds} rounds of {seconds} s.\n",
        machine.processor,
        machine.cores,
        machine.memory_gib,
        machine.kernel,
        machine.file_system,
        machine.sync_micros,
        versions.join(", "),
    )?;
    goals(&mut text, engines)?;
    for of in engines {
        engine(&mut text, of)?;
    }
    for (file, what) in PICTURES {
        writeln!(text, "![{what}](plots/{file})")?;
    }
    Ok(text)
}

/// A goal, what was found, and whether it was reached.
struct Goal {
    what: String,
    wanted: String,
    found: String,
    reached: bool,
}

impl Display for Goal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { what, wanted, found, reached } = self;
        let reached = if *reached { "yes" } else { "**no**" };
        write!(f, "| {what} | {wanted} | {found} | {reached} |")
    }
}

fn goals(text: &mut String, engines: &[OfEngine]) -> fmt::Result {
    writeln!(text, "## Goals\n\n| | goal | found | reached |\n|---|---|---|---|")?;
    for of in engines {
        for goal in goals_of(of) {
            writeln!(text, "{goal}")?;
        }
    }
    writeln!(text)
}

fn goals_of(of: &OfEngine) -> Vec<Goal> {
    let engine = of.engine.title();
    let goal = |what: &str, wanted: String, found: String, reached| Goal {
        what: format!("{engine}: {what}"),
        wanted,
        found,
        reached,
    };
    let least = |what: &str, least: f64, found: f64, digits: usize| {
        goal(what, format!("≥ {least}"), format!("{found:.digits$}"), found >= least)
    };
    let mut all: Vec<Goal> = [
        (Operation::Check, "consent check, of the baseline", 0.6),
        (Operation::Get, "record get, of the baseline", 0.5),
        (Operation::Put, "record put, of the baseline", 0.5),
    ]
    .into_iter()
    .filter_map(|(operation, what, wanted)| {
        Some(least(what, wanted, found(&of.operations, operation)?.ratio?, 2))
    })
    .collect();
    if let (Some(bulk), Some(single)) =
        (found(&of.operations, Operation::CheckBatch), found(&of.operations, Operation::Check))
    {
        let times = bulk.items_per_second() / single.items_per_second();
        all.push(least("bulk check, items per second over single checks", 20.0, times, 1));
    }
    all.push(least("import, records/s", 10_000.0, of.import.records_per_second(), 0));
    if let Some(whole) = &of.whole {
        all.extend(growth_goals(whole, of.engine).into_iter().map(
            |(what, most, found, digits)| {
                goal(&what, format!("≤ {most}"), format!("{found:.digits$}"), found <= most)
            },
        ));
    }
    all
}

/// What must stay below a bound: name, bound, found, digits.
fn growth_goals(whole: &Whole, engine: Engine) -> Vec<(String, f64, f64, usize)> {
    let (Some(first), Some(last)) = (whole.growth.first(), whole.growth.last()) else {
        return Vec::new();
    };
    let most = |of: fn(&Grown) -> f64| whole.growth.iter().map(of).fold(0.0, f64::max);
    let mut all = vec![("idle, MiB".to_owned(), 80.0, most(|at| at.idle_mib), 0)];
    if engine == Engine::Sqlite {
        all.push(("start to ready, ms".to_owned(), 300.0, most(|at| at.ready_millis), 0));
    }
    if let Some(base) = whole.growth.iter().find(|at| at.app_export.records == 10_000) {
        let exports = whole.growth.iter().map(|at| at.app_export).chain([whole.app_export]);
        if let Some(largest) = exports.max_by_key(|export| export.records) {
            let what =
                format!("peak of an export of {} records over 10,000", grouped(largest.records));
            all.push((what, 1.2, largest.peak_mib / base.app_export.peak_mib, 2));
        }
    }
    for at in &first.operations {
        if let Some(then) = found(&last.operations, at.operation) {
            let what = format!(
                "{}, slower at {} people than at {}",
                at.operation.name(),
                grouped(last.subjects),
                grouped(first.subjects)
            );
            all.push((what, 1.3, at.service.calls_per_second / then.service.calls_per_second, 2));
        }
    }
    all
}

fn found(all: &[Measured], operation: Operation) -> Option<&Measured> {
    all.iter().find(|measured| measured.operation == operation)
}

fn engine(text: &mut String, of: &OfEngine) -> fmt::Result {
    writeln!(text, "## {}\n", of.engine.title())?;
    writeln!(
        text,
        "Operations, in a store of {} people with {} records. In brackets the baseline's.\n",
        grouped(of.import.subjects),
        grouped(of.import.records),
    )?;
    operations(text, &of.operations)?;
    writeln!(
        text,
        "\nImport: {} records/s, {:.0} MiB at most.",
        grouped(rounded(of.import.records_per_second())),
        of.import.peak_mib,
    )?;
    if let Some(whole) = &of.whole {
        self::whole(text, whole)?;
    }
    writeln!(text)
}

fn operations(text: &mut String, all: &[Measured]) -> fmt::Result {
    writeln!(text, "| | calls/s | of the baseline | p50 ms | p99 ms | CPU µs a call | MiB |")?;
    writeln!(text, "|---|---|---|---|---|---|---|")?;
    for measured in all {
        let Measured { operation, service, baseline, ratio } = measured;
        let pair = |of: fn(&Figures) -> f64, digits: usize| match baseline {
            Some(baseline) => format!("{:.digits$} ({:.digits$})", of(service), of(baseline)),
            None => format!("{:.digits$}", of(service)),
        };
        let ratio = ratio.map_or_else(|| "no baseline".to_owned(), |ratio| format!("{ratio:.2}"));
        writeln!(
            text,
            "| {} | {} | {ratio} | {} | {} | {} | {} |",
            operation.title(),
            pair(|f| f.calls_per_second, 0),
            pair(|f| f.p50_micros / 1e3, 2),
            pair(|f| f.p99_micros / 1e3, 2),
            pair(|f| f.cpu_micros, 0),
            pair(|f| f.resident_mib, 0),
        )?;
    }
    Ok(())
}

fn whole(text: &mut String, whole: &Whole) -> fmt::Result {
    let Whole { growth, app_export, subject_export, erasures } = whole;
    writeln!(
        text,
        "Erasures: {:.1} a second. Export of the app of {} records: {:.1} s, {:.0} MiB at most. Export \
         of a person of {} records: {:.1} s, {:.1} MiB of bundle, from {:.0} MiB to {:.0} MiB at most.\n",
        erasures.per_second(),
        grouped(app_export.records),
        app_export.seconds,
        app_export.peak_mib,
        grouped(subject_export.records),
        subject_export.seconds,
        crate::results::mebibytes(subject_export.bytes),
        subject_export.before_mib,
        subject_export.peak_mib,
    )?;
    writeln!(
        text,
        "As the store grows, with one record of 1 KiB a person:\n\n\
         | people | ready ms | idle MiB | check/s | get/s | export s | export MiB |\n\
         |---|---|---|---|---|---|---|"
    )?;
    for at in growth {
        let speed = |operation| {
            let measured = found(&at.operations, operation);
            measured.map_or(0.0, |measured| measured.service.calls_per_second)
        };
        writeln!(
            text,
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.1} | {:.0} |",
            grouped(at.subjects),
            at.ready_millis,
            at.idle_mib,
            speed(Operation::Check),
            speed(Operation::Get),
            at.app_export.seconds,
            at.app_export.peak_mib,
        )?;
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a speed: small, not negative"
)]
fn rounded(value: f64) -> u32 {
    value.round() as u32
}

/// With commas between thousands.
pub(crate) fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{BEGIN, END, grouped, replaced};

    #[test]
    fn what_stands_around_the_marks_stays() {
        let text = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = replaced(&text, "new").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\n\nnew\n{END}\nafter\n"));
        assert_eq!(replaced(&new, "new").unwrap(), new);
        assert_eq!(replaced("no marks", "new"), None);
    }

    #[test]
    fn thousands_are_set_apart() {
        let of = [0, 999, 1_000, 10_000, 1_000_000].map(grouped);
        assert_eq!(of, ["0", "999", "1,000", "10,000", "1,000,000"]);
    }
}
