//! Importing: a batch of lines is applied, each with its own result.
//!
//! A line that was imported before changes nothing, so that a file may be imported again after
//! whatever interruption. Subjects come first, by the claim protocol for the whole batch at once:
//! one transaction in `keys`, one in `data`, one more in `keys`. Then records and consents in one
//! transaction in `data`. Lines that hang together (the same id, the same identifier) go into waves
//! one after another. Nothing here knows files.

mod claims;
mod item;
mod others;
mod subjects;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use oubli_domain::import_line::Line;
use oubli_domain::{Code, Refusal};
use oubli_store::apps;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::caller::Call;
use crate::error::Result;
use crate::model::Model;
use crate::once::Answer;
use crate::oubli::Oubli;

use item::{Item, Other, waves};

/// The most lines in one batch.
pub const MAX_LINES: usize = 1_000;

/// A line that holds to the published schema, with its content in one form.
pub struct ImportLine {
    line: Line,
    /// Its JSON text with the members of every object in order: what tells whether a line that
    /// comes again is the same.
    content: Zeroizing<String>,
}

impl ImportLine {
    /// Reads a line.
    ///
    /// # Errors
    /// `invalid-body`, `invalid-time`, with the places that are wrong.
    pub fn read(mut document: Value) -> Result<Self, Refusal> {
        document.sort_all_objects();
        let content = Zeroizing::new(document.to_string());
        Ok(Self { line: Line::parse(document)?, content })
    }

    /// The line.
    #[must_use]
    pub fn line(&self) -> &Line {
        &self.line
    }
}

impl std::fmt::Debug for ImportLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImportLine").field("type", &self.line.kind()).finish_non_exhaustive()
    }
}

/// A wrong place of a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WrongPlace {
    /// RFC 6901 JSON pointer into the line.
    pub pointer: String,
    /// What is wrong there, without the value.
    pub detail: String,
}

/// What became of one line: codes and places alone, since answers are remembered for a day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase")]
pub enum LineResult {
    /// It is applied.
    Imported,
    /// It, or what it says, was there already.
    Unchanged,
    /// It is not applied; others may be.
    Refused {
        /// The slug of the problem.
        problem: String,
        /// Its HTTP status, as if the line had come alone.
        status: u16,
        /// What a person reads.
        detail: String,
        /// The wrong places, below the line.
        errors: Vec<WrongPlace>,
    },
}

impl From<&Refusal> for LineResult {
    fn from(refusal: &Refusal) -> Self {
        let errors = refusal.errors.iter().map(|error| WrongPlace {
            pointer: error.pointer.clone(),
            detail: error.detail.clone().into_owned(),
        });
        Self::Refused {
            problem: refusal.code.slug().to_owned(),
            status: refusal.code.status(),
            detail: refusal.detail.as_deref().unwrap_or(refusal.code.title()).to_owned(),
            errors: errors.collect(),
        }
    }
}

/// What the parts of an import share.
struct Run<'a> {
    oubli: &'a Arc<Oubli>,
    /// Without the idempotency key, which belongs to the whole.
    call: Call,
    model: Arc<Model>,
}

/// Applies up to [`MAX_LINES`] lines; each has its result, in their order. Those that are refused,
/// also because they could not be read, hold up no others.
///
/// Its transactions write up to 45 rows a line (a subject with 20 identifiers) and are the second
/// exception, beside batches of records, to the bound of 1,000 rows: one for all is what makes an
/// import fast.
///
/// # Errors
/// `invalid-body` for no line or too many; `app-not-found`. A fault of the service fails the batch;
/// what of it was applied by then is recognised when it comes again.
pub async fn apply(
    oubli: &Arc<Oubli>,
    call: &Call,
    lines: Vec<Result<ImportLine, Refusal>>,
) -> Result<Vec<LineResult>> {
    check_count(&lines)?;
    if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
        return Ok(earlier);
    }
    let results = begin(oubli, call, lines).await?.finish().await?;
    remember(oubli, call, results).await
}

fn check_count(lines: &[Result<ImportLine, Refusal>]) -> Result<(), Refusal> {
    if (1..=MAX_LINES).contains(&lines.len()) {
        return Ok(());
    }
    Err(Refusal::new(Code::InvalidBody).at("/lines", "must be 1 to 1000"))
}

/// A batch whose people are applied. Its records and consents are left.
pub struct Begun<'a> {
    run: Run<'a>,
    results: Vec<Option<LineResult>>,
    others: Vec<Other>,
}

/// The first half of [`apply`], which remembers no answer: the people. While the second half of a
/// batch runs, the first half of the next one may.
///
/// # Errors
/// As [`apply`].
pub async fn begin<'a>(
    oubli: &'a Arc<Oubli>,
    call: &Call,
    lines: Vec<Result<ImportLine, Refusal>>,
) -> Result<Begun<'a>> {
    check_count(&lines)?;
    let model = oubli.model(&mut oubli.data().conn().await?, &call.caller.app).await?;
    let run = Run { oubli, call: Call { caller: call.caller.clone(), once: None }, model };
    let mut results: Vec<Option<LineResult>> = vec![None; lines.len()];
    let (mut people, mut others) = (Vec::new(), Vec::new());
    for (n, line) in lines.into_iter().enumerate() {
        match line.and_then(|line| Item::new(&run, n, line)) {
            Ok(Item::Person(item)) => people.push(item),
            Ok(Item::Other(item)) => others.push(item),
            Err(refusal) => results[n] = Some(LineResult::from(&refusal)),
        }
    }
    for wave in waves(people, |item| item.ties.clone()) {
        put(&mut results, subjects::apply(&run, &wave).await?);
    }
    Ok(Begun { run, results, others })
}

impl Begun<'_> {
    /// The second half of [`apply`]: the records and consents, and the results of all.
    ///
    /// # Errors
    /// As [`apply`].
    pub async fn finish(mut self) -> Result<Vec<LineResult>> {
        for wave in waves(self.others, |item| vec![item.macs.line]) {
            put(&mut self.results, others::apply(&self.run, &wave).await?);
        }
        Ok(self.results.into_iter().flatten().collect())
    }
}

/// What became of some lines, each with its place in the batch.
type Results = Vec<(usize, LineResult)>;

fn put(results: &mut [Option<LineResult>], some: Results) {
    for (n, result) in some {
        results[n] = Some(result);
    }
}

/// Keeps the answer for a repeat with the same `Idempotency-Key`. A process that dies before leaves
/// a repeat the lines themselves, which change nothing more.
async fn remember(oubli: &Oubli, call: &Call, results: Vec<LineResult>) -> Result<Vec<LineResult>> {
    if call.once.is_none() {
        return Ok(results);
    }
    let app = call.caller.app.clone();
    oubli
        .write_once("import.answer", call, None, Answer::Repeatable, move |tx| {
            let (app, results) = (app.clone(), results.clone());
            Box::pin(async move { apps::hold(tx, &app).await.map(|()| results) })
        })
        .await
}
