//! Those for whom a purpose holds now, with what it reads of them: a mailing list that cannot go
//! stale.

use oubli_domain::data_map::LawfulBasis;
use oubli_domain::{AppId, Name, SubjectId, Time};
use oubli_store::subjects::{self, Subject};
use oubli_store::{Conn, consents};
use uuid::Uuid;

use super::collect::{OpenedPerson, Room, Sealed, Wanted, collect, open_all};
use super::position::HolderPosition;
use crate::caller::Caller;
use crate::error::Result;
use crate::model::Model;
use crate::oubli::Oubli;
use crate::standing::{FactsOfMany, judge};

/// A page of those for whom a purpose holds.
#[derive(Debug)]
pub struct Holders {
    /// The moment at which the purpose held for all of them.
    pub checked_at: Time,
    /// Who, with what the purpose reads.
    pub people: Vec<OpenedPerson>,
    /// Where the next page begins; none after the last. A page may hold fewer than were asked for,
    /// or nobody, and still have a next.
    pub next: Option<HolderPosition>,
}

/// Those for whom `purpose` holds, in the order of their ids, after `after`. `limit` people are
/// looked at; those for whom it does not hold are left out. Each person's read is logged.
///
/// Whoever withdrew, objected, was restricted or erased, or whose consent expired or contract was
/// ended before the call began, is in no page.
///
/// # Errors
/// `data-map-not-found`, `purpose-not-found`.
pub async fn holders(
    oubli: &Oubli,
    caller: &Caller,
    purpose: &Name,
    after: Option<HolderPosition>,
    limit: u32,
) -> Result<Holders> {
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, &caller.app).await?;
    let basis = model.in_force(purpose)?.lawful_basis;
    let wanted = Wanted::new(&model, purpose, model.map()?.fields_for(purpose)?.clone())?;
    let checked_at = oubli.now();
    let from = after.as_ref().map(first_after);
    let looked_at = candidates(&mut conn, &caller.app, purpose, basis, from, limit).await?;
    let last = looked_at.last().copied().filter(|_| looked_at.len() >= limit as usize);
    let holding = holding(&mut conn, &model, purpose, looked_at, checked_at).await?;
    let (sealed, cut) = collect_all(&mut conn, &model, &wanted, holding, after).await?;
    drop(conn);
    let whole = |last| HolderPosition { subject: last, after: None };
    let next = cut.or_else(|| last.map(|last| whole(last.subject)));
    let people = open_all(oubli, caller, &wanted, sealed).await?;
    // Whose erasure was acknowledged meanwhile is refused, and so left out.
    Ok(Holders { checked_at, people: people.into_iter().flatten().collect(), next })
}

/// The id after which the walk goes on: that of a person who is not done yet comes again.
fn first_after(position: &HolderPosition) -> SubjectId {
    match position.after {
        None => position.subject,
        Some(_) => SubjectId(Uuid::from_u128(position.subject.0.as_u128().saturating_sub(1))),
    }
}

/// The people to be judged: those who granted a purpose under consent, and else everybody.
async fn candidates(
    conn: &mut Conn,
    app: &AppId,
    purpose: &Name,
    basis: LawfulBasis,
    after: Option<SubjectId>,
    limit: u32,
) -> Result<Vec<Subject>> {
    if basis != LawfulBasis::Consent {
        return Ok(subjects::list(conn, app, after, limit.into()).await?);
    }
    let granted = consents::granted(conn, app, purpose, after, limit.into()).await?;
    let mut rows = subjects::get_many(conn, app, &granted).await?;
    rows.sort_unstable_by_key(|row| row.subject);
    Ok(rows)
}

/// Those of them for whom the purpose holds.
async fn holding(
    conn: &mut Conn,
    model: &Model,
    purpose: &Name,
    people: Vec<Subject>,
    now: Time,
) -> Result<Vec<SubjectId>> {
    let ids: Vec<SubjectId> = people.iter().map(|row| row.subject).collect();
    let facts = FactsOfMany::read(conn, model, &ids, [purpose]).await?;
    let mut holding = Vec::with_capacity(people.len());
    for row in people {
        let facts = facts.of(row.subject, purpose);
        if judge(model, &row, purpose, facts, now)?.permitted {
            holding.push(row.subject);
        }
    }
    Ok(holding)
}

/// What the purpose reads of them, as far as there is room, and where it ended when there was no
/// more.
async fn collect_all(
    conn: &mut Conn,
    model: &Model,
    wanted: &Wanted,
    people: Vec<SubjectId>,
    after: Option<HolderPosition>,
) -> Result<(Vec<Sealed>, Option<HolderPosition>)> {
    let (mut room, mut all): (Room, Vec<Sealed>) = (Room::new(), Vec::new());
    for subject in people {
        if room.is_used_up() {
            let done = all.last().map(|last| HolderPosition { subject: last.subject, after: None });
            return Ok((all, done));
        }
        let begun = after.as_ref().filter(|position| position.subject == subject);
        let begun = begun.and_then(|position| position.after.clone());
        let sealed = collect(conn, model, wanted, subject, begun, &mut room).await?;
        let rest = sealed.rest_after.clone();
        all.push(sealed);
        if rest.is_some() {
            return Ok((all, Some(HolderPosition { subject, after: rest })));
        }
    }
    Ok((all, None))
}
