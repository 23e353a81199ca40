//! Reading many named people for one purpose.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oubli_domain::consent::NotPermitted;
use oubli_domain::data_map::FieldSet;
use oubli_domain::{Code, Name, Refusal, SubjectId, Time};
use oubli_store::Conn;
use oubli_store::subjects::{self, Subject};

use super::collect::{OpenedPerson, Room, Sealed, TOGETHER, Wanted, collect, of_person, open_all};
use super::position::ItemPosition;
use super::{MAX_CATEGORIES, MAX_ITEMS};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::log::{Entry, hex};
use crate::model::Model;
use crate::oubli::Oubli;
use crate::read_payload::{REFUSED, ReadPayload};
use crate::standing::{FactsOfMany, judge};
use crate::subjects::{SubjectSelector, resolve_many};

/// Who is to be read, what of them, and why.
#[derive(Clone, Debug)]
pub struct BulkRead {
    /// A purpose of the data map.
    pub purpose: Name,
    /// 1 to [`MAX_ITEMS`] people, none of them twice.
    pub items: Vec<SubjectSelector>,
    /// Categories that the purpose reads, none of them twice; `identifiers` among them gives what
    /// finds the person.
    pub categories: Vec<Name>,
    /// [`BulkAnswer::next`] of the answer before, which the rest must equal.
    pub cursor: Option<String>,
}

/// What was read, for the items from the first or the cursor's on.
#[derive(Debug)]
pub struct BulkAnswer {
    /// The moment that all of it tells of.
    pub checked_at: Time,
    /// The results, in the order of the items.
    pub items: Vec<BulkItem>,
    /// Goes on where this answer ended; none when it is the last.
    pub next: Option<String>,
}

/// The result of one item.
#[derive(Debug)]
pub struct BulkItem {
    /// Its place in the call, from 0.
    pub item: usize,
    /// What was read, or why nothing was.
    pub result: Result<OpenedPerson, ItemRefusal>,
}

/// Why nothing was read of one person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemRefusal {
    /// What a read of this person alone is refused with.
    pub refusal: Refusal,
    /// Why the purpose does not hold, where that is it.
    pub reason: Option<NotPermitted>,
}

impl From<Refusal> for ItemRefusal {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, reason: None }
    }
}

impl From<NotPermitted> for ItemRefusal {
    fn from(reason: NotPermitted) -> Self {
        Self { refusal: reason.into(), reason: Some(reason) }
    }
}

/// Reads what a purpose sees of many people. What is wrong with one of them stands in its own
/// place; each person's read is logged, and each refused one where the purpose does not hold.
///
/// # Errors
/// `invalid-body` for none, too many or the same twice; `invalid-cursor`; `unknown-purpose`,
/// `unknown-category`; `purpose-not-permitted` when the purpose does not read a category.
pub async fn read_many(oubli: &Oubli, caller: &Caller, read: &BulkRead) -> Result<BulkAnswer> {
    check_form(read)?;
    let from = start(oubli, caller, read)?;
    let ids = resolve(oubli, caller, read).await?;
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, &caller.app).await?;
    let wanted = match fields(&model, read) {
        Ok(fields) => Wanted::new(&model, &read.purpose, fields)?,
        Err(refusal) => {
            drop(conn);
            log_category_not_read(oubli, caller, read, &refusal).await?;
            return Err(refusal.into());
        }
    };
    let checked_at = oubli.now();
    let seen = see(&mut conn, &model, read, &ids, from, checked_at, &wanted).await?;
    drop(conn);
    let next = seen.next.as_ref().map(|position| cursor(oubli, caller, read, position));
    let items = finish(oubli, caller, read, &wanted, seen.items).await?;
    Ok(BulkAnswer { checked_at, items, next })
}

fn check_form(read: &BulkRead) -> Result<(), Refusal> {
    let wrong = |place: &str, detail| Err(Refusal::new(Code::InvalidBody).at(place, detail));
    if !(1..=MAX_ITEMS).contains(&read.items.len()) {
        return wrong("/items", "must be 1 to 1000");
    }
    if !(1..=MAX_CATEGORIES).contains(&read.categories.len()) {
        return wrong("/categories", "must be 1 to 201");
    }
    let mut known = HashSet::new();
    match read.categories.iter().position(|category| !known.insert(category)) {
        Some(n) => wrong(&format!("/categories/{n}"), "is in the list twice"),
        None => Ok(()),
    }
}

type Resolved = Result<SubjectId, Refusal>;

/// Who the items are.
async fn resolve(oubli: &Oubli, caller: &Caller, read: &BulkRead) -> Result<Vec<Resolved>> {
    let model = oubli.model(&mut oubli.data().conn().await?, &caller.app).await?;
    let selectors: Vec<&SubjectSelector> = read.items.iter().collect();
    let ids = resolve_many(oubli, &caller.app, &model, &selectors).await?;
    let mut known = HashSet::new();
    let twice = ids.iter().position(|id| id.as_ref().is_ok_and(|id| !known.insert(*id)));
    match twice {
        Some(n) => {
            let refusal = Refusal::new(Code::InvalidBody);
            Err(refusal.at(format!("/items/{n}"), "is in the list twice").into())
        }
        None => Ok(ids),
    }
}

/// The fields that the purpose reads of the categories that were asked for.
fn fields(model: &Model, read: &BulkRead) -> Result<FieldSet, Refusal> {
    let map = model.map()?;
    let all = map.fields_for(&read.purpose).map_err(|r| r.at("/purpose", "is not declared"))?;
    let mut wanted = FieldSet::new();
    for (n, category) in read.categories.iter().enumerate() {
        let place = format!("/categories/{n}");
        if !map.map().is_built_in(category) {
            map.category(category).map_err(|refusal| refusal.at(&*place, "is not declared"))?;
        }
        let fields = all.get(category).ok_or_else(|| {
            Refusal::new(Code::PurposeNotPermitted)
                .detail("The purpose does not read this category (category-not-read).")
                .at(place, "is not read by the purpose")
        })?;
        wanted.insert(category.clone(), fields.clone());
    }
    Ok(wanted)
}

/// Logs that a category was asked for which the purpose does not read. Nobody's data was looked at,
/// so the event is about nobody.
async fn log_category_not_read(
    oubli: &Oubli,
    caller: &Caller,
    read: &BulkRead,
    refusal: &Refusal,
) -> Result<()> {
    if refusal.code != Code::PurposeNotPermitted {
        return Ok(());
    }
    let event = Entry::new()
        .reason(refusal.code.slug())
        .fact("purpose", read.purpose.as_str())
        .fact("categories", read.categories.iter().map(Name::as_str).collect::<Vec<_>>())
        .event(&caller.app, &caller.actor, oubli.now(), REFUSED);
    oubli.reads().record(event).await
}

/// What one snapshot says about the items that the answer has room for.
struct SeenItems {
    items: Vec<(usize, SeenItem)>,
    next: Option<ItemPosition>,
}

enum SeenItem {
    Sealed(Sealed),
    /// The purpose does not hold for this person.
    NotPermitted(SubjectId, NotPermitted),
    /// There is nobody of whom anything may be told.
    Refused(Refusal),
}

async fn see(
    conn: &mut Conn,
    model: &Model,
    read: &BulkRead,
    ids: &[Resolved],
    mut from: ItemPosition,
    now: Time,
    wanted: &Wanted,
) -> Result<SeenItems> {
    let known: BTreeSet<SubjectId> =
        ids.iter().skip(from.item).filter_map(|id| id.as_ref().ok().copied()).collect();
    let known: Vec<SubjectId> = known.into_iter().collect();
    let rows = subjects::get_many(conn, &model.app.app, &known).await?;
    let rows: HashMap<SubjectId, Subject> = rows.into_iter().map(|s| (s.subject, s)).collect();
    let facts = FactsOfMany::read(conn, model, &known, [&read.purpose]).await?;
    let (mut room, mut items) = (Room::new(), Vec::new());
    for (item, id) in ids.iter().enumerate().skip(from.item) {
        if room.is_used_up() {
            return Ok(SeenItems { items, next: Some(ItemPosition { item, after: None }) });
        }
        let after = from.after.take();
        let subject = match readable(&rows, id) {
            Ok(subject) => subject,
            Err(refusal) => {
                items.push((item, SeenItem::Refused(refusal)));
                continue;
            }
        };
        let id = subject.subject;
        let checked = judge(model, &subject, &read.purpose, facts.of(id, &read.purpose), now)?;
        if let Some(reason) = checked.reason {
            items.push((item, SeenItem::NotPermitted(id, reason)));
            continue;
        }
        let sealed = collect(conn, model, wanted, id, after, &mut room).await?;
        let rest = sealed.rest_after.clone();
        items.push((item, SeenItem::Sealed(sealed)));
        if rest.is_some() {
            return Ok(SeenItems { items, next: Some(ItemPosition { item, after: rest }) });
        }
    }
    Ok(SeenItems { items, next: None })
}

/// The subject of an item, unless there is none or its erasure was acknowledged.
fn readable(rows: &HashMap<SubjectId, Subject>, id: &Resolved) -> Result<Subject, Refusal> {
    let row = rows.get(id.as_ref().map_err(Clone::clone)?).copied();
    match subjects::not_erasing(row) {
        Ok(row) => Ok(row),
        Err(oubli_store::StoreError::Refused(refusal)) => Err(refusal),
        Err(_) => Err(Code::SubjectNotFound.into()),
    }
}

/// Opens and logs what was seen.
async fn finish(
    oubli: &Oubli,
    caller: &Caller,
    read: &BulkRead,
    wanted: &Wanted,
    seen: Vec<(usize, SeenItem)>,
) -> Result<Vec<BulkItem>> {
    let (mut items, mut places, mut sealed) = (Vec::with_capacity(seen.len()), vec![], vec![]);
    let mut not_permitted = Vec::new();
    for (item, seen) in seen {
        match seen {
            SeenItem::Sealed(one) => {
                places.push(item);
                sealed.push(one);
            }
            SeenItem::NotPermitted(subject, reason) => not_permitted.push((item, subject, reason)),
            SeenItem::Refused(refusal) => {
                items.push(BulkItem { item, result: Err(refusal.into()) });
            }
        }
    }
    let refused = not_permitted.into_iter().map(|(item, subject, reason)| async move {
        let refusal = log_refused(oubli, caller, read, subject, reason).await?;
        Ok::<_, Error>(BulkItem { item, result: Err(refusal) })
    });
    items.extend(stream::iter(refused).buffered(TOGETHER).try_collect::<Vec<_>>().await?);
    let opened = open_all(oubli, caller, wanted, sealed).await?;
    items.extend(
        places
            .into_iter()
            .zip(opened)
            .map(|(item, opened)| BulkItem { item, result: opened.map_err(ItemRefusal::from) }),
    );
    items.sort_unstable_by_key(|item| item.item);
    Ok(items)
}

/// Logs that a purpose does not hold for a person, and gives what the caller is told: that, or that
/// the person's erasure was acknowledged since.
async fn log_refused(
    oubli: &Oubli,
    caller: &Caller,
    read: &BulkRead,
    subject: SubjectId,
    reason: NotPermitted,
) -> Result<ItemRefusal> {
    let refusal = ItemRefusal::from(reason);
    let logged = async {
        let key = oubli.keyring().data_key(&caller.app, subject).await?;
        let event = Entry::about(subject, &key)
            .reason(refusal.refusal.code.slug())
            .payload(ReadPayload::refused(&read.purpose, &read.categories).to_value())
            .event(&caller.app, &caller.actor, oubli.now(), REFUSED);
        oubli.reads().record(event).await
    };
    match of_person(logged.await)? {
        Ok(()) => Ok(refusal),
        Err(gone) => Ok(gone.into()),
    }
}

/// Where the answer begins.
fn start(oubli: &Oubli, caller: &Caller, read: &BulkRead) -> Result<ItemPosition, Refusal> {
    let Some(given) = &read.cursor else { return Ok(ItemPosition { item: 0, after: None }) };
    let invalid = || Refusal::new(Code::InvalidCursor);
    let (_, position) = given.split_once('.').ok_or_else(invalid)?;
    let position = position.parse().map_err(|_| invalid())?;
    if cursor(oubli, caller, read, &position) == *given { Ok(position) } else { Err(invalid()) }
}

/// A position that only goes with the same people, categories and purpose.
fn cursor(oubli: &Oubli, caller: &Caller, read: &BulkRead, position: &ItemPosition) -> String {
    let text = position.to_string();
    let (categories, items) = (read.categories.len().to_string(), read.items.len().to_string());
    let head = [&caller.app.to_string(), &read.purpose.to_string(), &text, &categories, &items];
    let mut parts: Vec<String> = head.into_iter().cloned().collect();
    parts.extend(read.categories.iter().map(Name::to_string));
    for item in &read.items {
        match item {
            SubjectSelector::Id(id) => parts.extend([String::new(), id.to_string()]),
            SubjectSelector::Identifier { kind, value } => {
                parts.extend([kind.to_string(), value.expose().clone()]);
            }
        }
    }
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    format!("{}.{text}", hex(&oubli.secrets().mac.mac("oubli/bulk-read-cursor/v1", &parts)))
}
