//! What the calls that applications make most must know of a person, each in one statement: one round
//! trip, and one moment that all of it is of.

use oubli_domain::consent::Latest;
use oubli_domain::{AppId, AppState, Day, Name, SubjectId, Time};
use uuid::Uuid;

use crate::apps;
use crate::conn::Conn;
use crate::consents;
use crate::error::Result;
use crate::records::{self, RecordKey, StoredRecord};
use crate::statement::statements;
use crate::subjects::{self, Subject};

statements! {
    OF_PURPOSE = "select a.revision, a.state as app_state, s.state as subject_state, s.created_at as subject_since, s.last_contact, s.holds, c.event_id, c.action, c.notice, c.notice_version, c.language, c.occurred_at, c.recorded_at, c.seq, e.ended_at from apps a left join subjects s on s.app_id = a.app_id and s.subject_id = $2 left join consent_states c on c.app_id = a.app_id and c.subject_id = $2 and c.purpose = $3 left join purpose_ends e on e.app_id = a.app_id and e.subject_id = $2 and e.purpose = $3 where a.app_id = $1";
    OF_READ = "select a.revision, a.state as app_state, s.state as subject_state, s.created_at as subject_since, s.last_contact, s.holds, c.event_id, c.action, c.notice, c.notice_version, c.language, c.occurred_at, c.recorded_at, c.seq, e.ended_at, r.version, r.created_at as record_since, r.updated_at, r.clock_start, r.body from apps a left join subjects s on s.app_id = a.app_id and s.subject_id = $2 left join consent_states c on c.app_id = a.app_id and c.subject_id = $2 and c.purpose = $3 left join purpose_ends e on e.app_id = a.app_id and e.subject_id = $2 and e.purpose = $3 left join records r on r.app_id = a.app_id and r.subject_id = $2 and r.category = $4 and r.record_id = $5 where a.app_id = $1";
    OF_WRITE = "select a.revision, a.state as app_state, s.state as subject_state, s.created_at as subject_since, s.last_contact, s.holds, r.version, r.created_at as record_since, r.updated_at, r.clock_start, r.body, case when r.version is null then (select max(v.version) from record_versions v where v.app_id = $1 and v.subject_id = $2 and v.category = $3 and v.record_id = $4) else r.version end as last_version from apps a left join subjects s on s.app_id = a.app_id and s.subject_id = $2 left join records r on r.app_id = a.app_id and r.subject_id = $2 and r.category = $3 and r.record_id = $4 where a.app_id = $1";
}

/// The app's row as far as it tells whether what is held of the app is still true.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Declared {
    /// As [`crate::apps::App::revision`].
    pub revision: i64,
    /// Whether the app can be used.
    pub state: AppState,
}

/// What decides whether a purpose holds for a person.
#[derive(Clone, Debug)]
pub struct OfPurpose {
    /// The app.
    pub app: Declared,
    /// The subject, in whatever state; none when there is none.
    pub subject: Option<Subject>,
    /// The deciding consent event, if there is one.
    pub latest: Latest,
    /// Whether the app has ended the purpose for the person.
    pub ended: bool,
}

/// The same, with a record.
#[derive(Clone, Debug)]
pub struct OfRead {
    /// What decides about the purpose.
    pub purpose: OfPurpose,
    /// The record, if it is there.
    pub record: Option<StoredRecord>,
}

/// What a write of a record is prepared from.
#[derive(Clone, Debug)]
pub struct OfWrite {
    /// The app.
    pub app: Declared,
    /// The subject, in whatever state; none when there is none.
    pub subject: Option<Subject>,
    /// The record, if it is there.
    pub record: Option<StoredRecord>,
    /// The highest version number that a record there ever had; 0 for none.
    pub last_version: i64,
}

impl AsRef<Declared> for OfPurpose {
    fn as_ref(&self) -> &Declared {
        &self.app
    }
}

impl AsRef<Declared> for OfRead {
    fn as_ref(&self) -> &Declared {
        &self.purpose.app
    }
}

impl AsRef<Declared> for OfWrite {
    fn as_ref(&self) -> &Declared {
        &self.app
    }
}

#[derive(sqlx::FromRow)]
struct AppRow {
    revision: i64,
    app_state: String,
}

#[derive(sqlx::FromRow)]
struct SubjectRow {
    subject_state: Option<String>,
    subject_since: Option<i64>,
    last_contact: Option<i64>,
    holds: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct ConsentRow {
    event_id: Option<Uuid>,
    action: Option<String>,
    notice: Option<String>,
    notice_version: Option<i64>,
    language: Option<String>,
    occurred_at: Option<i64>,
    recorded_at: Option<i64>,
    seq: Option<i64>,
    ended_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct RecordRow {
    version: Option<i64>,
    record_since: Option<i64>,
    updated_at: Option<i64>,
    clock_start: Option<i32>,
    body: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct PurposeRow {
    #[sqlx(flatten)]
    app: AppRow,
    #[sqlx(flatten)]
    subject: SubjectRow,
    #[sqlx(flatten)]
    consent: ConsentRow,
}

#[derive(sqlx::FromRow)]
struct ReadRow {
    #[sqlx(flatten)]
    purpose: PurposeRow,
    #[sqlx(flatten)]
    record: RecordRow,
}

#[derive(sqlx::FromRow)]
struct WriteRow {
    #[sqlx(flatten)]
    app: AppRow,
    #[sqlx(flatten)]
    subject: SubjectRow,
    #[sqlx(flatten)]
    record: RecordRow,
    last_version: Option<i64>,
}

impl AppRow {
    fn read(&self) -> Result<Declared> {
        let state = apps::read_state(&self.app_state)?;
        Ok(Declared { revision: self.revision, state })
    }
}

impl SubjectRow {
    fn read(self, subject: SubjectId) -> Result<Option<Subject>> {
        let (Some(state), Some(since), Some(contact), Some(holds)) =
            (self.subject_state, self.subject_since, self.last_contact, self.holds)
        else {
            return Ok(None);
        };
        Ok(Some(Subject {
            subject,
            state: subjects::read_state(&state)?,
            created_at: Time(since),
            last_contact: Time(contact),
            held: holds > 0,
        }))
    }
}

impl ConsentRow {
    fn read(self, purpose: &Name) -> Result<Latest> {
        let (Some(event_id), Some(action), Some(occurred_at), Some(recorded_at), Some(seq)) =
            (self.event_id, self.action, self.occurred_at, self.recorded_at, self.seq)
        else {
            return Ok(Latest::default());
        };
        let row = consents::Row {
            event_id,
            purpose: purpose.as_str().to_owned(),
            action,
            notice: self.notice,
            notice_version: self.notice_version,
            language: self.language,
            occurred_at,
            recorded_at,
            seq,
        };
        Ok(Latest(Some(row.try_into()?)))
    }
}

impl RecordRow {
    fn read(self, key: &RecordKey) -> Result<Option<StoredRecord>> {
        let (Some(version), Some(since), Some(updated_at), Some(body)) =
            (self.version, self.record_since, self.updated_at, self.body)
        else {
            return Ok(None);
        };
        Ok(Some(StoredRecord {
            key: key.clone(),
            version,
            created_at: Time(since),
            updated_at: Time(updated_at),
            clock_start: self.clock_start.map(Day),
            fields: records::decode(&body)?,
        }))
    }
}

impl PurposeRow {
    fn read(self, subject: SubjectId, purpose: &Name) -> Result<OfPurpose> {
        Ok(OfPurpose {
            app: self.app.read()?,
            subject: self.subject.read(subject)?,
            ended: self.consent.ended_at.is_some(),
            latest: self.consent.read(purpose)?,
        })
    }
}

/// What decides whether a purpose holds for a person; none without the app.
///
/// # Errors
/// When the database does not answer.
pub async fn of_purpose(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
    purpose: &Name,
) -> Result<Option<OfPurpose>> {
    let row: Option<PurposeRow> = conn.optional(&OF_PURPOSE, (app, subject, purpose)).await?;
    row.map(|row| row.read(subject, purpose)).transpose()
}

/// The same, with a record; none without the app.
///
/// # Errors
/// When the database does not answer.
pub async fn of_read(
    conn: &mut Conn,
    app: &AppId,
    key: &RecordKey,
    purpose: &Name,
) -> Result<Option<OfRead>> {
    let args = (app, key.subject, purpose, &key.category, &key.record);
    let Some(row) = conn.optional::<ReadRow>(&OF_READ, args).await? else { return Ok(None) };
    let record = row.record.read(key)?;
    Ok(Some(OfRead { purpose: row.purpose.read(key.subject, purpose)?, record }))
}

/// What a write of a record is prepared from; none without the app.
///
/// # Errors
/// When the database does not answer.
pub async fn of_write(conn: &mut Conn, app: &AppId, key: &RecordKey) -> Result<Option<OfWrite>> {
    let args = (app, key.subject, &key.category, &key.record);
    let Some(row) = conn.optional::<WriteRow>(&OF_WRITE, args).await? else { return Ok(None) };
    Ok(Some(OfWrite {
        app: row.app.read()?,
        subject: row.subject.read(key.subject)?,
        record: row.record.read(key)?,
        last_version: row.last_version.unwrap_or(0),
    }))
}
