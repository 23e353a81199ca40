//! Consent events, and the row that holds the deciding event of each subject and purpose.

use std::collections::{BTreeSet, HashMap};

use oubli_domain::consent::{ConsentEvent, Language, Latest, Shown};
use oubli_domain::{AppId, EventId, Name, SubjectId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::inserts::inserts;
use crate::lists;
use crate::statement::statements;

statements! {
    HISTORY = "select event_id, purpose, action, notice, notice_version, language, occurred_at, recorded_at, seq, gpc, gpp from consent_events where app_id = $1 and subject_id = $2 and (seq, event_id) > ($3, $4) order by seq, event_id limit $5";
    BY_CALLER_ID = "select event_id, purpose, action, notice, notice_version, language, occurred_at, recorded_at, seq, gpc, gpp from consent_events where app_id = $1 and subject_id = $2 and caller_id = $3";
    GET = "select event_id, purpose, action, notice, notice_version, language, occurred_at, recorded_at, seq, gpc, gpp from consent_events where app_id = $1 and subject_id = $2 and event_id = $3";
    NEXT_SEQ = "select coalesce(max(seq), 0) + 1 from consent_events where app_id = $1 and subject_id = $2";
    STATE = "select event_id, purpose, action, notice, notice_version, language, occurred_at, recorded_at, seq from consent_states where app_id = $1 and subject_id = $2 and purpose = $3";
    STATES = "select event_id, purpose, action, notice, notice_version, language, occurred_at, recorded_at, seq from consent_states where app_id = $1 and subject_id = $2 order by purpose";
    STATES_OF_MANY [anew] = lite "select subject_id, event_id, purpose, action, notice, notice_version, language, occurred_at, recorded_at, seq from consent_states where app_id = $1 and subject_id in (select unhex(value) from json_each($2)) and purpose in (select value from json_each($3))"
                     pg "select subject_id, event_id, purpose, action, notice, notice_version, language, occurred_at, recorded_at, seq from consent_states where app_id = $1 and subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb)))) and purpose = any(array(select value from jsonb_array_elements_text(cast(cast($3 as text) as jsonb))))";
    GRANTED = "select subject_id from consent_states where app_id = $1 and purpose = $2 and action = 'granted' and subject_id > $3 order by subject_id limit $4";
    COUNT_GRANTED = "select count(*) from (select 1 from consent_states where app_id = $1 and purpose = $2 and action = 'granted' limit $3) as granted";
    LAST_SEQS [anew] = lite "select subject_id, max(seq) from consent_events where app_id = $1 and subject_id in (select unhex(value) from json_each($2)) group by subject_id"
                pg "select subject_id, max(seq) from consent_events where app_id = $1 and subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb)))) group by subject_id";
    GET_MANY [anew] = lite "select subject_id, event_id, purpose, action, notice, notice_version, language, occurred_at, recorded_at, seq, gpc, gpp from consent_events where app_id = $1 and subject_id in (select unhex(value) from json_each($2)) and event_id in (select unhex(value) from json_each($3))"
               pg "select subject_id, event_id, purpose, action, notice, notice_version, language, occurred_at, recorded_at, seq, gpc, gpp from consent_events where app_id = $1 and subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb)))) and event_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($3 as text) as jsonb))))";
}

inserts! {
    INSERT = "consent_events" (app_id text, subject_id uuid, event_id uuid, purpose text, action text, notice text, notice_version bigint, language text, occurred_at bigint, recorded_at bigint, seq bigint, actor text, caller_id text, gpc boolean, gpp bytea);
    SET_STATE = "consent_states" (app_id text, subject_id uuid, purpose text, action text, event_id uuid, notice text, notice_version bigint, language text, occurred_at bigint, recorded_at bigint, seq bigint)
        then "on conflict (app_id, subject_id, purpose) do update set action = excluded.action, event_id = excluded.event_id, notice = excluded.notice, notice_version = excluded.notice_version, language = excluded.language, occurred_at = excluded.occurred_at, recorded_at = excluded.recorded_at, seq = excluded.seq";
}

/// How many people's last word on a purpose is a grant; the counting ends at `most`.
///
/// # Errors
/// When the database does not answer.
pub async fn count_granted(conn: &mut Conn, app: &AppId, purpose: &Name, most: u64) -> Result<u64> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let (count,): (i64,) = conn.one(&COUNT_GRANTED, (app, purpose, most)).await?;
    Ok(count.unsigned_abs())
}

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) event_id: Uuid,
    pub(crate) purpose: String,
    pub(crate) action: String,
    pub(crate) notice: Option<String>,
    pub(crate) notice_version: Option<i64>,
    pub(crate) language: Option<String>,
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: i64,
    pub(crate) seq: i64,
}

/// An event with the signals that came with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredEvent {
    /// The event.
    pub event: ConsentEvent,
    /// Its signals.
    pub signals: StoredSignals,
}

/// The privacy signals of an event, as stored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StoredSignals {
    /// Whether Global Privacy Control was on; none when nobody looked.
    pub gpc: Option<bool>,
    /// The GPP string, sealed.
    pub gpp: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct StoredRow {
    #[sqlx(flatten)]
    event: Row,
    gpc: Option<bool>,
    gpp: Option<Vec<u8>>,
}

impl TryFrom<StoredRow> for StoredEvent {
    type Error = StoreError;
    fn try_from(row: StoredRow) -> Result<Self> {
        let signals = StoredSignals { gpc: row.gpc, gpp: row.gpp };
        Ok(Self { event: row.event.try_into()?, signals })
    }
}

#[derive(sqlx::FromRow)]
struct OwnedStoredRow {
    subject_id: Uuid,
    #[sqlx(flatten)]
    stored: StoredRow,
}

#[derive(sqlx::FromRow)]
struct OwnedRow {
    subject_id: Uuid,
    #[sqlx(flatten)]
    event: Row,
}

impl TryFrom<Row> for ConsentEvent {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let damaged = StoreError::Damaged;
        let shown = match (row.notice, row.notice_version, row.language) {
            (Some(notice), Some(version), Some(language)) => Some(Shown {
                notice: Name::new(notice).map_err(|_| damaged("consent.notice"))?,
                version: u32::try_from(version).map_err(|_| damaged("consent.notice_version"))?,
                language: Language::new(language).map_err(|_| damaged("consent.language"))?,
            }),
            _ => None,
        };
        Ok(Self {
            id: EventId(row.event_id),
            purpose: Name::new(row.purpose).map_err(|_| damaged("consent.purpose"))?,
            action: row.action.parse().map_err(|_| damaged("consent.action"))?,
            shown,
            occurred_at: Time(row.occurred_at),
            recorded_at: Time(row.recorded_at),
            seq: row.seq,
        })
    }
}

/// What of an event a person was shown, as columns.
fn columns(shown: Option<&Shown>) -> (Option<String>, Option<i64>, Option<String>) {
    (
        shown.map(|s| s.notice.as_str().to_owned()),
        shown.map(|s| i64::from(s.version)),
        shown.map(|s| s.language.as_str().to_owned()),
    )
}

/// An event that is added.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'e> {
    /// Whose.
    pub subject: SubjectId,
    /// The event.
    pub stored: &'e StoredEvent,
    /// Which client or staff user told of it.
    pub actor: &'e str,
    /// The caller's own id of it.
    pub caller_id: Option<&'e str>,
}

/// Adds events. Their subjects must be locked.
///
/// # Errors
/// [`StoreError::Duplicate`] when a subject has an event of the `caller_id` of one.
pub async fn insert_many(
    tx: &mut Tx,
    app: &AppId,
    new: impl IntoIterator<Item = NewEvent<'_>>,
) -> Result<()> {
    let rows = new.into_iter().map(|NewEvent { subject, stored, actor, caller_id }| {
        let StoredEvent { event, signals } = stored;
        let (notice, version, language) = columns(event.shown.as_ref());
        let (purpose, action) = (&event.purpose, event.action.as_str());
        let (occurred, recorded) = (event.occurred_at, event.recorded_at);
        (
            app,
            subject,
            event.id,
            purpose,
            action,
            notice,
            version,
            language,
            occurred,
            recorded,
            event.seq,
            actor,
            caller_id,
            signals.gpc,
            signals.gpp.as_deref(),
        )
    });
    INSERT.all(tx, rows.collect()).await
}

/// At most `limit` of a subject's events in the order in which the service learned of them, from
/// the one that follows the sequence number and id of `after`. Ids alone do not keep that order
/// when the machine's clock steps back.
///
/// # Errors
/// When the database does not answer.
pub async fn history(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
    after: Option<(i64, EventId)>,
    limit: i64,
) -> Result<Vec<StoredEvent>> {
    let (seq, id) = after.map_or((0, Uuid::nil()), |(seq, id)| (seq, id.0));
    let rows = conn.all::<StoredRow>(&HISTORY, (app, subject, seq, id, limit)).await?;
    rows.into_iter().map(StoredEvent::try_from).collect()
}

/// The event that a caller already sent under this id.
///
/// # Errors
/// When the database does not answer.
pub async fn by_caller_id(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
    caller_id: &str,
) -> Result<Option<StoredEvent>> {
    let row = conn.optional::<StoredRow>(&BY_CALLER_ID, (app, subject, caller_id)).await?;
    row.map(StoredEvent::try_from).transpose()
}

/// One event of a subject.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
    event: EventId,
) -> Result<Option<StoredEvent>> {
    let row = conn.optional::<StoredRow>(&GET, (app, subject, event)).await?;
    row.map(StoredEvent::try_from).transpose()
}

/// Those of these events that their subjects have, each with its subject.
///
/// # Errors
/// When the database does not answer.
pub async fn get_many(
    conn: &mut Conn,
    app: &AppId,
    events: &[(SubjectId, EventId)],
) -> Result<HashMap<(SubjectId, EventId), StoredEvent>> {
    if events.is_empty() {
        return Ok(HashMap::new());
    }
    let subjects: BTreeSet<SubjectId> = events.iter().map(|(subject, _)| *subject).collect();
    let subjects = lists::of_bytes(subjects.iter().map(|id| id.0.as_bytes().as_slice()));
    let ids = lists::of_bytes(events.iter().map(|(_, event)| event.0.as_bytes().as_slice()));
    let rows: Vec<OwnedStoredRow> = conn.all(&GET_MANY, (app, subjects, ids)).await?;
    rows.into_iter()
        .map(|row| {
            let stored = StoredEvent::try_from(row.stored)?;
            Ok(((SubjectId(row.subject_id), stored.event.id), stored))
        })
        .collect()
}

/// The last sequence number of the events of each of these subjects that has any.
///
/// # Errors
/// When the database does not answer.
pub async fn last_seqs(
    conn: &mut Conn,
    app: &AppId,
    subjects: &[SubjectId],
) -> Result<HashMap<SubjectId, i64>> {
    let ids = lists::of_bytes(subjects.iter().map(|id| id.0.as_bytes().as_slice()));
    let rows: Vec<(Uuid, i64)> = conn.all(&LAST_SEQS, (app, ids)).await?;
    Ok(rows.into_iter().map(|(subject, seq)| (SubjectId(subject), seq)).collect())
}

/// The next sequence number of a subject's events.
///
/// # Errors
/// When the database does not answer.
pub async fn next_seq(conn: &mut Conn, app: &AppId, subject: SubjectId) -> Result<i64> {
    let (seq,): (i64,) = conn.one(&NEXT_SEQ, (app, subject)).await?;
    Ok(seq)
}

/// The deciding event of a subject and purpose.
///
/// # Errors
/// When the database does not answer.
pub async fn latest(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
    purpose: &Name,
) -> Result<Latest> {
    let row = conn.optional::<Row>(&STATE, (app, subject, purpose)).await?;
    row.map(ConsentEvent::try_from).transpose().map(Latest)
}

/// The deciding events of a subject, by purpose.
///
/// # Errors
/// When the database does not answer.
pub async fn all_latest(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
) -> Result<Vec<ConsentEvent>> {
    let rows = conn.all::<Row>(&STATES, (app, subject)).await?;
    rows.into_iter().map(ConsentEvent::try_from).collect()
}

/// The deciding events of these subjects about these purposes, in whatever order.
///
/// # Errors
/// When the database does not answer.
pub async fn latest_of_many(
    conn: &mut Conn,
    app: &AppId,
    subjects: &[SubjectId],
    purposes: &[Name],
) -> Result<Vec<(SubjectId, ConsentEvent)>> {
    let ids = lists::of_bytes(subjects.iter().map(|id| id.0.as_bytes().as_slice()));
    let rows: Vec<OwnedRow> =
        conn.all(&STATES_OF_MANY, (app, ids, lists::of_names(purposes))).await?;
    rows.into_iter().map(|row| Ok((SubjectId(row.subject_id), row.event.try_into()?))).collect()
}

/// Those whose deciding event about a purpose is a grant, after `after` in the order of their ids.
/// Whether the grant still counts is for the domain to say.
///
/// # Errors
/// When the database does not answer.
pub async fn granted(
    conn: &mut Conn,
    app: &AppId,
    purpose: &Name,
    after: Option<SubjectId>,
    limit: i64,
) -> Result<Vec<SubjectId>> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows: Vec<(Uuid,)> = conn.all(&GRANTED, (app, purpose, after, limit)).await?;
    Ok(rows.into_iter().map(|(id,)| SubjectId(id)).collect())
}

/// Writes the deciding event. Always called with an insert, also when the new event does not
/// decide, so that two transactions about one purpose meet here and one of them runs again.
///
/// # Errors
/// [`StoreError::Contention`] when they meet.
pub async fn set_latest(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    event: &ConsentEvent,
) -> Result<()> {
    set_latest_of_many(tx, app, [(subject, event)]).await
}

/// As [`set_latest`], for many: no two of one subject and purpose.
///
/// # Errors
/// [`StoreError::Contention`] when another transaction is about one of these.
pub async fn set_latest_of_many(
    tx: &mut Tx,
    app: &AppId,
    latest: impl IntoIterator<Item = (SubjectId, &ConsentEvent)>,
) -> Result<()> {
    let rows = latest.into_iter().map(|(subject, event)| {
        let (notice, version, language) = columns(event.shown.as_ref());
        let (purpose, action) = (&event.purpose, event.action.as_str());
        let (occurred, recorded, seq) = (event.occurred_at, event.recorded_at, event.seq);
        (
            app, subject, purpose, action, event.id, notice, version, language, occurred, recorded,
            seq,
        )
    });
    SET_STATE.all(tx, rows.collect()).await
}
