//! The records and consents of a batch, in one transaction.

use std::collections::{HashMap, HashSet};

use oubli_domain::import_line::{ConsentLine, Line, Whose};
use oubli_domain::request::SubjectState;
use oubli_domain::{AppId, Code, EventId, Refusal, SubjectId};
use oubli_store::imported_lines::{self, ImportedLine};
use oubli_store::records::RecordKey;
use oubli_store::subjects::Subject;
use oubli_store::{Result as StoreResult, StoreError, Tx, consents as consent_rows, subjects};

use super::item::{Other, again, known, line_mac, reused};
use super::{LineResult, Results, Run};
use crate::consents::{self, ConsentImport, NewConsent, PreparedConsent, RecordedEvent};
use crate::error::{Error, Result};
use crate::records::{self, PreparedRecord, RecordImport};
use crate::retry::retry_stale;
use crate::subjects::{SubjectSelector, resolve_many};

/// Applies lines of which no two have one id.
pub(super) async fn apply(run: &Run<'_>, lines: &[Other]) -> Result<Results> {
    retry_stale(|| Box::pin(try_once(run, lines))).await
}

/// A line that only needs its transaction.
#[derive(Clone)]
struct Ready {
    n: usize,
    row: ImportedLine,
    what: What,
}

#[derive(Clone)]
enum What {
    Record(PreparedRecord),
    Consent(PreparedConsent),
}

async fn try_once(run: &Run<'_>, lines: &[Other]) -> Result<Results> {
    let known = known(run.oubli, run, lines.iter().map(|line| &line.macs)).await?;
    let (mut results, mut open) = (Results::new(), Vec::new());
    for line in lines {
        match known.get(&line.macs.line) {
            Some(earlier) => results.push((line.n, again(&line.macs, earlier))),
            None => open.push(line),
        }
    }
    let mut found = Vec::with_capacity(open.len());
    for (line, subject) in open.iter().zip(owners(run, &open).await?) {
        match subject {
            Ok(subject) => found.push((*line, subject)),
            Err(refusal) => results.push((line.n, LineResult::from(&refusal))),
        }
    }
    let mut ready = Vec::with_capacity(found.len());
    ready_records(run, &found, &mut ready, &mut results).await?;
    ready_consents(run, &found, &mut ready, &mut results).await?;
    // By subject, so that two imports never wait for each other; the order of one person's lines
    // stays.
    ready.sort_by_key(|one| (one.row.subject, one.n));
    results.extend(write(run, ready).await?);
    Ok(results)
}

/// Whom each line is about: by the line of an import, by the service's id, or by identifier.
async fn owners(run: &Run<'_>, lines: &[&Other]) -> Result<Vec<Result<SubjectId, Refusal>>> {
    let app = &run.call.caller.app;
    let whose: Vec<&Whose> = lines.iter().filter_map(|line| whose(&line.line)).collect();
    let macs: Vec<Option<[u8; 32]>> = whose
        .iter()
        .map(|whose| match whose {
            Whose::Subject(id) => Some(line_mac(run, "subject", id.expose())),
            Whose::Identifier(..) => None,
        })
        .collect();
    let mut conn = run.oubli.data().conn().await?;
    let asked: Vec<[u8; 32]> = macs.iter().flatten().copied().collect();
    let imported = imported_lines::find_many(&mut conn, app, &asked).await?;
    let ids: Vec<SubjectId> = whose.iter().filter_map(|whose| own_id(whose)).collect();
    let there = subjects::get_many(&mut conn, app, &ids).await?;
    let there: HashSet<SubjectId> = there.into_iter().map(|row| row.subject).collect();
    drop(conn);
    let by_identifier = by_identifier(run, &whose).await?;
    let missing = || Refusal::new(Code::SubjectNotFound).at("/subject", "was not imported");
    Ok(whose
        .iter()
        .zip(macs)
        .zip(by_identifier)
        .map(|((whose, mac), by_identifier)| match (mac, by_identifier) {
            (Some(mac), _) => match imported.get(&mac) {
                Some(line) => Ok(line.subject),
                None => own_id(whose).filter(|id| there.contains(id)).ok_or_else(missing),
            },
            (None, Some(found)) => found,
            (None, None) => Err(missing()),
        })
        .collect())
}

fn whose(line: &Line) -> Option<&Whose> {
    match line {
        Line::Record(line) => Some(&line.whose),
        Line::Consent(line) => Some(&line.whose),
        Line::Begin | Line::Subject(_) | Line::End(_) => None,
    }
}

fn own_id(whose: &Whose) -> Option<SubjectId> {
    match whose {
        Whose::Subject(id) => id.expose().parse().ok(),
        Whose::Identifier(..) => None,
    }
}

/// The subject that each identifier finds; none where a line names none.
async fn by_identifier(
    run: &Run<'_>,
    whose: &[&Whose],
) -> Result<Vec<Option<Result<SubjectId, Refusal>>>> {
    let selector = |whose: &&Whose| match whose {
        Whose::Identifier(kind, value) => {
            Some(SubjectSelector::Identifier { kind: *kind, value: value.clone() })
        }
        Whose::Subject(_) => None,
    };
    let selectors: Vec<Option<SubjectSelector>> = whose.iter().map(selector).collect();
    let asked: Vec<&SubjectSelector> = selectors.iter().flatten().collect();
    let app = &run.call.caller.app;
    let mut found = resolve_many(run.oubli, app, &run.model, &asked).await?.into_iter();
    Ok(selectors.iter().map(|selector| selector.as_ref().and_then(|_| found.next())).collect())
}

/// Sorts what was prepared into what is written and what is refused.
fn sort<T>(
    lines: Vec<(&Other, SubjectId)>,
    prepared: Vec<Result<T, Refusal>>,
    what: impl Fn(T) -> What,
    ready: &mut Vec<Ready>,
    results: &mut Results,
) {
    for ((line, subject), prepared) in lines.into_iter().zip(prepared) {
        match prepared {
            Ok(one) => {
                ready.push(Ready { n: line.n, row: line.macs.row(subject), what: what(one) });
            }
            Err(refusal) => results.push((line.n, LineResult::from(&refusal))),
        }
    }
}

async fn ready_records(
    run: &Run<'_>,
    found: &[(&Other, SubjectId)],
    ready: &mut Vec<Ready>,
    results: &mut Results,
) -> Result<()> {
    let (mut lines, mut wanted) = (Vec::new(), Vec::new());
    for (other, subject) in found {
        let Line::Record(line) = &other.line else { continue };
        let (category, record) = (line.category.clone(), line.record.clone());
        lines.push((*other, *subject));
        wanted.push(RecordImport {
            key: RecordKey { subject: *subject, category, record },
            body: line.body.0.clone(),
            created_at: line.created_at,
        });
    }
    let prepared = records::prepare_imports(run.oubli, &run.call.caller, wanted).await?;
    sort(lines, prepared, What::Record, ready, results);
    Ok(())
}

async fn ready_consents(
    run: &Run<'_>,
    found: &[(&Other, SubjectId)],
    ready: &mut Vec<Ready>,
    results: &mut Results,
) -> Result<()> {
    let (mut lines, mut wanted) = (Vec::new(), Vec::new());
    for (other, subject) in found {
        let Line::Consent(line) = &other.line else { continue };
        if let Some(result) = recorded(run, *subject, line).await? {
            results.push((other.n, result));
            continue;
        }
        lines.push((*other, *subject));
        wanted.push(ConsentImport {
            subject: *subject,
            consent: NewConsent {
                purpose: line.purpose.clone(),
                action: line.action,
                notice_version: line.notice_version,
                language: line.language.clone(),
                id: None,
                signals: line.signals.clone(),
            },
            notice: line.notice.clone(),
            occurred_at: line.occurred_at,
        });
    }
    let prepared = consents::prepare_imports(run.oubli, &run.call.caller, wanted).await?;
    sort(lines, prepared, What::Consent, ready, results);
    Ok(())
}

/// What a line comes to whose id is that of an event that this very app recorded, as in an export of
/// it: nothing, or a refusal when it says otherwise. None for any other line.
async fn recorded(
    run: &Run<'_>,
    subject: SubjectId,
    line: &ConsentLine,
) -> Result<Option<LineResult>> {
    let Ok(event) = line.id.expose().parse::<EventId>() else { return Ok(None) };
    let app = &run.call.caller.app;
    let mut conn = run.oubli.data().conn().await?;
    let found = consent_rows::get(&mut conn, app, subject, event).await?;
    drop(conn);
    let Some(stored) = found else { return Ok(None) };
    let opened = async {
        let key = run.oubli.keyring().data_key(app, subject).await?;
        RecordedEvent::open(&key, stored)
    };
    Ok(Some(match opened.await {
        Ok(event) if tells_of(line, &event) => LineResult::Unchanged,
        Ok(_) => reused(),
        Err(Error::Refused(refusal)) if refusal.code != Code::Unavailable => {
            LineResult::from(&refusal)
        }
        Err(error) => return Err(error),
    }))
}

/// Whether a line says what was recorded. A notice or signals that it leaves out are no difference.
fn tells_of(line: &ConsentLine, recorded: &RecordedEvent) -> bool {
    let event = &recorded.event;
    let shown = match (&event.shown, line.notice_version, &line.language) {
        (Some(shown), Some(version), Some(language)) => {
            shown.version == version
                && shown.language.as_str().eq_ignore_ascii_case(language.as_str())
                && line.notice.as_ref().is_none_or(|notice| *notice == shown.notice)
        }
        (None, None, None) => line.notice.is_none(),
        _ => false,
    };
    shown
        && (&event.purpose, event.action) == (&line.purpose, line.action)
        && event.occurred_at == line.occurred_at
        && (line.signals.is_empty() || line.signals == recorded.signals)
}

async fn write(run: &Run<'_>, ready: Vec<Ready>) -> Result<Results> {
    if ready.is_empty() {
        return Ok(Results::new());
    }
    let app = run.call.caller.app.clone();
    let written = run.oubli.data().write("import.lines", move |tx| {
        let (app, ready) = (app.clone(), ready.clone());
        Box::pin(async move {
            let (mut results, mut locked) = (Results::with_capacity(ready.len()), HashMap::new());
            for one in &ready {
                let result = match write_one(tx, &app, one, &mut locked).await {
                    Ok(()) => LineResult::Imported,
                    Err(StoreError::Refused(refusal)) => LineResult::from(&refusal),
                    Err(error) => return Err(error),
                };
                results.push((one.n, result));
            }
            Ok(results)
        })
    });
    Ok(written.await?)
}

/// Writes a line and that it was imported. A refusal comes before anything is written.
async fn write_one(
    tx: &mut Tx,
    app: &AppId,
    one: &Ready,
    locked: &mut HashMap<SubjectId, Subject>,
) -> StoreResult<()> {
    match &one.what {
        What::Record(record) => {
            let subject = match locked.get(&one.row.subject) {
                Some(subject) => *subject,
                None => lock(tx, app, one.row.subject).await?,
            };
            locked.insert(one.row.subject, subject);
            record.apply(tx, &subject).await?;
        }
        What::Consent(consent) => {
            consent.apply(tx).await?;
        }
    }
    match imported_lines::insert(tx, app, &one.row).await {
        // Another import was first with this line.
        Err(StoreError::Duplicate { .. }) => Err(StoreError::Stale),
        done => done,
    }
}

/// Locks one whose records may be written.
async fn lock(tx: &mut Tx, app: &AppId, subject: SubjectId) -> StoreResult<Subject> {
    let subject = subjects::lock(tx, app, subject).await?;
    if subject.state == SubjectState::Restricted {
        return Err(StoreError::Refused(Code::SubjectRestricted.into()));
    }
    Ok(subject)
}
