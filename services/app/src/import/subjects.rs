//! The people of a batch: found by their identifiers, or made, as `subjects:ensure` does.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use oubli_domain::{AppId, Code, Refusal, SubjectId};
use oubli_store::events::NewEvent;
use oubli_store::imported_lines::{self, ImportedLine};
use oubli_store::{Result as StoreResult, StoreError, Tx, apps, events, subjects};

use super::item::{Person, again, known};
use super::{LineResult, Results, Run, claims};
use crate::error::{Error, Result};
use crate::log::Entry;
use crate::purposes::ImportedEnd;
use crate::subjects::claims::ATTEMPTS;
use crate::subjects::{
    Draft, Past, PreparedIdentifier, SubjectSelector, add_normalised, resolve_many,
};

/// Applies people of whom no two share an identifier.
pub(super) async fn apply(run: &Run<'_>, people: &[Person]) -> Result<Results> {
    for attempt in 0..ATTEMPTS {
        if let Some(results) = Box::pin(try_once(run, people, attempt)).await? {
            return Ok(results);
        }
    }
    Err(Code::Unavailable.into())
}

/// What is to be done about the people of a batch.
#[derive(Default)]
struct Plan<'p> {
    results: Results,
    /// Those whom nobody knows.
    new: Vec<&'p Person>,
    /// Those who are there.
    there: Vec<(&'p Person, SubjectId)>,
}

/// None when somebody else was in the way: what was found is no longer so.
async fn try_once(run: &Run<'_>, people: &[Person], attempt: u32) -> Result<Option<Results>> {
    let mut plan = plan(run, people).await?;
    let Some(matched) = complete(run, &plan.there).await? else { return Ok(None) };
    let drafts = drafts(run, &plan.new).await?;
    if !drafts.is_empty() {
        match claims::claim(run, &drafts).await {
            Ok(()) => {}
            Err(Error::Store(StoreError::Duplicate { .. })) => {
                claims::clear_the_way(run, &drafts, attempt).await?;
                return Ok(None);
            }
            Err(Error::Store(StoreError::Stale)) => {
                for draft in drafts.iter() {
                    draft.outdate(run.oubli);
                }
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    let rows =
        plan.new.iter().zip(drafts.iter()).map(|(person, draft)| person.macs.row(draft.subject));
    match write(run, &drafts, rows.collect(), matched).await {
        Ok(refused) => {
            claims::make_live_or_leave(run, &drafts).await;
            plan.results.extend(plan.new.iter().map(|person| (person.n, LineResult::Imported)));
            plan.results.extend(refused);
            Ok(Some(plan.results))
        }
        // Another import was first with a line, or took a claim over.
        Err(Error::Store(StoreError::Duplicate { .. } | StoreError::Stale)) => {
            claims::settle_or_leave(run, &drafts).await;
            Ok(None)
        }
        Err(error) => {
            claims::settle_or_leave(run, &drafts).await;
            Err(error)
        }
    }
}

async fn plan<'p>(run: &Run<'_>, people: &'p [Person]) -> Result<Plan<'p>> {
    let known = known(run.oubli, run, people.iter().map(|person| &person.macs)).await?;
    let mut plan = Plan::default();
    let mut open = Vec::new();
    for person in people {
        match known.get(&person.macs.line) {
            Some(earlier) => plan.results.push((person.n, again(&person.macs, earlier))),
            None => open.push(person),
        }
    }
    for (person, owners) in open.iter().zip(owners(run, &open).await?) {
        let mut owners = owners.into_iter();
        match (owners.next(), owners.next()) {
            (None, _) => plan.new.push(person),
            (Some(subject), None) => plan.there.push((person, subject)),
            (Some(_), Some(_)) => {
                let refusal = Refusal::new(Code::IdentifiersDisagree);
                plan.results.push((person.n, LineResult::from(&refusal)));
            }
        }
    }
    Ok(plan)
}

/// Whom each line may mean: the owners of its identifiers, and the subject whose id of the service
/// it has, as in an export of this very app.
async fn owners(run: &Run<'_>, people: &[&Person]) -> Result<Vec<BTreeSet<SubjectId>>> {
    let app = &run.call.caller.app;
    let selector = |identifier: &PreparedIdentifier| SubjectSelector::Identifier {
        kind: identifier.raw.kind,
        value: identifier.raw.value.clone(),
    };
    let selectors: Vec<SubjectSelector> =
        people.iter().flat_map(|person| person.identifiers.iter().map(selector)).collect();
    let asked: Vec<&SubjectSelector> = selectors.iter().collect();
    let mut found = resolve_many(run.oubli, app, &run.model, &asked).await?.into_iter();
    let named: Vec<Option<SubjectId>> =
        people.iter().map(|person| person.line.id.expose().parse().ok()).collect();
    let ids: Vec<SubjectId> = named.iter().flatten().copied().collect();
    let mut conn = run.oubli.data().conn().await?;
    let there = subjects::get_many(&mut conn, app, &ids).await?;
    let there: HashSet<SubjectId> = there.into_iter().map(|row| row.subject).collect();
    Ok(people
        .iter()
        .zip(named)
        .map(|(person, named)| {
            let by_identifier = found.by_ref().take(person.identifiers.len());
            let by_identifier = by_identifier.filter_map(Result::ok);
            by_identifier.chain(named.filter(|id| there.contains(id))).collect()
        })
        .collect())
}

/// One who is there, with what says so.
struct Matched {
    n: usize,
    row: ImportedLine,
    /// None for one who may not be written about.
    said: Result<Said, Refusal>,
}

/// What is written of one who is there.
struct Said {
    event: NewEvent,
    ends: Vec<ImportedEnd>,
}

/// Gives those who are there the identifiers that they lack. None when one of these was given to
/// somebody meanwhile.
async fn complete(run: &Run<'_>, there: &[(&Person, SubjectId)]) -> Result<Option<Vec<Matched>>> {
    let mut matched = Vec::with_capacity(there.len());
    for (person, subject) in there {
        let said = match add_missing(run, person, *subject).await {
            Ok(true) => said_of(run, person, *subject).await,
            Ok(false) => return Ok(None),
            Err(error) => Err(error),
        };
        let said = match said {
            Ok(said) => Ok(said),
            // Whoever was erased meanwhile holds up nobody else.
            Err(Error::Refused(refusal)) if !refusal.is_of_the_service() => Err(refusal),
            Err(error) => return Err(error),
        };
        matched.push(Matched { n: person.n, row: person.macs.row(*subject), said });
    }
    Ok(Some(matched))
}

/// False when somebody else got an identifier first.
async fn add_missing(run: &Run<'_>, person: &Person, subject: SubjectId) -> Result<bool> {
    let app = &run.call.caller.app;
    subjects::require(&mut run.oubli.data().conn().await?, app, subject).await?;
    for identifier in &person.identifiers {
        let selector = SubjectSelector::Identifier {
            kind: identifier.raw.kind,
            value: identifier.raw.value.clone(),
        };
        match resolve_many(run.oubli, app, &run.model, &[&selector]).await?.pop() {
            Some(Ok(owner)) if owner == subject => continue,
            Some(Ok(_)) => return Ok(false),
            _ => {}
        }
        match add_normalised(run.oubli, &run.call, subject, identifier.clone()).await {
            Ok(_) => {}
            Err(Error::Refused(refusal)) if refusal.code == Code::IdentifierTaken => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

async fn said_of(run: &Run<'_>, person: &Person, subject: SubjectId) -> Result<Said> {
    let (caller, now) = (&run.call.caller, run.oubli.now());
    let key = run.oubli.keyring().data_key(&caller.app, subject).await?;
    let entry = Entry::about(subject, &key).reason("import");
    let event = entry.event(&caller.app, &caller.actor, now, "subject.matched");
    let ended = person.line.ended_purposes.iter();
    let ends = ended.map(|ended| ImportedEnd::new(caller, subject, &key, ended, now)).collect();
    Ok(Said { event, ends })
}

/// Makes keys and ciphertext, off the threads that answer others.
async fn drafts(run: &Run<'_>, people: &[&Person]) -> Result<Arc<Vec<Draft>>> {
    if people.is_empty() {
        return Ok(Arc::default());
    }
    let now = run.oubli.now();
    let new: Vec<_> = people
        .iter()
        .map(|person| {
            let created_at = person.line.created_at.unwrap_or(now);
            let last_contact = person.line.last_contact.unwrap_or(created_at);
            let ended = person.line.ended_purposes.clone();
            (person.identifiers.clone(), Past { created_at, last_contact, ended })
        })
        .collect();
    let caller = run.call.caller.clone();
    let app_keys = run.oubli.keyring().app(&caller.app).await?;
    let made = run.oubli.tasks().spawn_blocking(move || {
        let draft = |(identifiers, past): &(Vec<_>, _)| {
            Draft::imported(&app_keys, &caller, identifiers, past, now)
        };
        new.iter().map(draft).collect::<Result<_>>().map(Arc::new)
    });
    made.await.map_err(|_| Error::TaskEnded("the preparation of an import"))?
}

/// Step 2 of the claim protocol for those who are new; the lines of all.
async fn write(
    run: &Run<'_>,
    drafts: &Arc<Vec<Draft>>,
    rows: Vec<ImportedLine>,
    matched: Vec<Matched>,
) -> Result<Results> {
    let app = run.call.caller.app.clone();
    let work = Arc::new((Arc::clone(drafts), rows, matched));
    let written = run.oubli.data().write("import.subjects", move |tx| {
        let (app, work) = (app.clone(), Arc::clone(&work));
        Box::pin(async move {
            let (drafts, rows, matched) = work.as_ref();
            apps::hold(tx, &app).await?;
            Draft::insert(tx, drafts).await?;
            imported_lines::insert_many(tx, &app, rows).await?;
            let mut results = Vec::with_capacity(matched.len());
            for one in matched {
                results.push((one.n, write_matched(tx, &app, one).await?));
            }
            Ok(results)
        })
    });
    Ok(written.await?)
}

/// Writes what a line says of one who is there. Nothing is written of one who may not be written
/// about.
async fn write_matched(tx: &mut Tx, app: &AppId, one: &Matched) -> StoreResult<LineResult> {
    let said = match &one.said {
        Ok(said) => said,
        Err(refusal) => return Ok(LineResult::from(refusal)),
    };
    match subjects::lock(tx, app, one.row.subject).await {
        Ok(_) => {}
        Err(StoreError::Refused(refusal)) => return Ok(LineResult::from(&refusal)),
        Err(error) => return Err(error),
    }
    imported_lines::insert_many(tx, app, [&one.row]).await?;
    events::insert(tx, &said.event).await?;
    for end in &said.ends {
        end.apply(tx).await?;
    }
    Ok(LineResult::Imported)
}
