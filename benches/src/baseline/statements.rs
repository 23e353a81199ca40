//! The SQL of the baseline. Where the service has the statement too, the text is the service's.

/// What a check needs, in one query.
pub(super) const CHECK: &str = "select s.state, c.action, c.occurred_at, c.notice_version from subjects s left join consent_states c on c.app_id = s.app_id and c.subject_id = s.subject_id and c.purpose = $3 where s.app_id = $1 and s.subject_id = $2";
pub(super) const SUBJECT: &str = "select subject_id, state, created_at, last_contact from subjects where app_id = $1 and subject_id = $2";
pub(super) const IDENTIFIERS: &str = "select identifier_id, type, sealed, created_at from identifiers where app_id = $1 and subject_id = $2 order by identifier_id";
pub(super) const BLIND_INDEX: &str = "select subject_id, identifier_id, claim_id, live, created_at from blind_indexes where app_id = $1 and type = $2 and version = $3 and value = $4";
pub(super) const RECORD: &str = "select subject_id, category, record_id, version, created_at, updated_at, clock_start, body from records where app_id = $1 and subject_id = $2 and category = $3 and record_id = $4";
pub(super) const INSERT_RECORD: &str = "insert into records (app_id, subject_id, category, record_id, version, created_at, updated_at, clock_start, body) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub(super) const INSERT_SUBJECT: &str = "insert into subjects (app_id, subject_id, state, created_at, last_contact) values ($1, $2, $3, $4, $5)";

/// Statements of many people differ between the engines, as the service's do.
pub(super) struct OfMany {
    pub(super) subjects: &'static str,
    pub(super) states: &'static str,
}

pub(super) const SQLITE_OF_MANY: OfMany = OfMany {
    subjects: "select subject_id, state, created_at, last_contact from subjects where app_id = $1 and subject_id in (select unhex(value) from json_each($2))",
    states: "select subject_id, event_id, purpose, action, notice, notice_version, language, occurred_at, recorded_at, seq from consent_states where app_id = $1 and subject_id in (select unhex(value) from json_each($2)) and purpose in (select value from json_each($3))",
};

pub(super) const POSTGRES_OF_MANY: OfMany = OfMany {
    subjects: "select subject_id, state, created_at, last_contact from subjects where app_id = $1 and subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb))))",
    states: "select subject_id, event_id, purpose, action, notice, notice_version, language, occurred_at, recorded_at, seq from consent_states where app_id = $1 and subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb)))) and purpose = any(array(select value from jsonb_array_elements_text(cast(cast($3 as text) as jsonb))))",
};

/// The baseline's own tables: the service's, with their primary keys alone.
pub(super) const SQLITE_TABLES: [&str; 2] = [
    "create table if not exists subjects (app_id text not null, subject_id blob not null, state text not null, created_at integer not null, last_contact integer not null, primary key (app_id, subject_id)) strict",
    "create table if not exists records (app_id text not null, subject_id blob not null, category text not null, record_id text not null, version integer not null, created_at integer not null, updated_at integer not null, clock_start integer, body blob not null, primary key (app_id, subject_id, category, record_id)) strict",
];

pub(super) const POSTGRES_TABLES: [&str; 2] = [
    "create table if not exists subjects (app_id text not null, subject_id uuid not null, state text not null, created_at bigint not null, last_contact bigint not null, primary key (app_id, subject_id))",
    "create table if not exists records (app_id text not null, subject_id uuid not null, category text not null, record_id text not null, version bigint not null, created_at bigint not null, updated_at bigint not null, clock_start integer, body bytea not null, primary key (app_id, subject_id, category, record_id))",
];
