//! The records and consents of a batch, prepared for one transaction.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use oubli_domain::import_line::{ConsentLine, Line, Whose};
use oubli_domain::{Code, EventId, Refusal, SubjectId};
use oubli_store::records::RecordKey;
use oubli_store::{consents as consent_rows, imported_lines, subjects};

use super::item::{Other, again, known, line_mac, reused};
use super::write::{Ready, ReadyLines, write};
use super::{LineResult, Results, Run};
use crate::consents::{self, ConsentImport, NewConsent, PreparedConsent, RecordedEvent};
use crate::error::Result;
use crate::keyring::DataKeys;
use crate::records::{self, PreparedRecord, RecordImport};
use crate::retry::retry_stale;
use crate::subjects::{SubjectSelector, resolve_many};

/// Applies lines of which no two have one id.
pub(super) async fn apply(run: &Run<'_>, lines: &[Other]) -> Result<Results> {
    retry_stale(|| Box::pin(try_once(run, lines))).await
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
    let subjects: BTreeSet<SubjectId> = found.iter().map(|(_, subject)| *subject).collect();
    let subjects = subjects.into_iter().collect();
    let keys = run.oubli.keyring().read_data_keys(&run.call.caller.app, subjects).await?;
    let keys = Arc::new(keys);
    let ready = ReadyLines {
        records: ready_records(run, &keys, &found, &mut results).await?,
        consents: ready_consents(run, &keys, &found, &mut results).await?,
    };
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

/// Those of the prepared lines that can be written.
fn sort<T>(
    lines: Vec<(&Other, SubjectId)>,
    prepared: Vec<Result<T, Refusal>>,
    results: &mut Results,
) -> Vec<Ready<T>> {
    let mut ready = Vec::with_capacity(lines.len());
    for ((line, subject), prepared) in lines.into_iter().zip(prepared) {
        match prepared {
            Ok(what) => ready.push(Ready { n: line.n, row: line.macs.row(subject), what }),
            Err(refusal) => results.push((line.n, LineResult::from(&refusal))),
        }
    }
    ready
}

async fn ready_records(
    run: &Run<'_>,
    keys: &Arc<DataKeys>,
    found: &[(&Other, SubjectId)],
    results: &mut Results,
) -> Result<Vec<Ready<PreparedRecord>>> {
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
    let prepared = records::prepare_imports(run.oubli, &run.call.caller, keys, wanted).await?;
    Ok(sort(lines, prepared, results))
}

async fn ready_consents(
    run: &Run<'_>,
    keys: &DataKeys,
    found: &[(&Other, SubjectId)],
    results: &mut Results,
) -> Result<Vec<Ready<PreparedConsent>>> {
    let mut recorded = recorded(run, keys, found).await?;
    let (mut lines, mut wanted) = (Vec::new(), Vec::new());
    for (other, subject) in found {
        let Line::Consent(line) = &other.line else { continue };
        if let Some(result) = recorded.remove(&other.n) {
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
    let prepared = consents::prepare_imports(run.oubli, &run.call.caller, keys, wanted).await?;
    Ok(sort(lines, prepared, results))
}

/// What lines come to whose ids are those of events that this very app recorded, as in an export of
/// it: nothing, or a refusal where one says otherwise. By their places; any other line is left out.
async fn recorded(
    run: &Run<'_>,
    keys: &DataKeys,
    found: &[(&Other, SubjectId)],
) -> Result<HashMap<usize, LineResult>> {
    let own = found.iter().filter_map(|(other, subject)| {
        let Line::Consent(line) = &other.line else { return None };
        Some((other.n, line, (*subject, line.id.expose().parse::<EventId>().ok()?)))
    });
    let own: Vec<(usize, &ConsentLine, (SubjectId, EventId))> = own.collect();
    let app = &run.call.caller.app;
    let places: Vec<(SubjectId, EventId)> = own.iter().map(|(.., place)| *place).collect();
    let mut conn = run.oubli.data().conn().await?;
    let mut stored = consent_rows::get_many(&mut conn, app, &places).await?;
    drop(conn);
    let mut results = HashMap::with_capacity(stored.len());
    for (n, line, place) in own {
        let Some(stored) = stored.remove(&place) else { continue };
        let result = match keys.get(&place.0) {
            None => LineResult::from(&Refusal::new(Code::SubjectNotFound)),
            Some(key) if tells_of(line, &RecordedEvent::open(key, stored)?) => {
                LineResult::Unchanged
            }
            Some(_) => reused(),
        };
        results.insert(n, result);
    }
    Ok(results)
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
