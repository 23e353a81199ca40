-- Apps, what they declare, and who may call for them.
CREATE TABLE apps (
    app_id TEXT NOT NULL,
    title TEXT NOT NULL,
    settings TEXT NOT NULL,
    data_map_version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id)
) STRICT;

CREATE TABLE clients (
    app_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    title TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secret_mac BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    rotated_at INTEGER,
    revoked_at INTEGER,
    PRIMARY KEY (app_id, client_id)
) STRICT;

CREATE TABLE data_maps (
    app_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    digest BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (app_id, version)
) STRICT;

CREATE TABLE notices (
    app_id TEXT NOT NULL,
    notice TEXT NOT NULL,
    version INTEGER NOT NULL,
    texts TEXT NOT NULL,
    digest BLOB NOT NULL,
    requires_renewal INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (app_id, notice, version)
) STRICT;

-- Subjects. `claims` ties a row here to the key rows in the other database.
CREATE TABLE subjects (
    app_id TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_contact INTEGER NOT NULL,
    PRIMARY KEY (app_id, subject_id)
) STRICT;

CREATE TABLE claims (
    app_id TEXT NOT NULL,
    claim_id BLOB NOT NULL,
    subject_id BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, claim_id)
) STRICT;
CREATE INDEX claims_subject ON claims (app_id, subject_id);

CREATE TABLE identifiers (
    app_id TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    identifier_id BLOB NOT NULL,
    type TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, subject_id, identifier_id)
) STRICT;

-- A record is one row: clear columns that policies read without keys, and a body of
-- (field name, empty flag, ciphertext).
CREATE TABLE records (
    app_id TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    category TEXT NOT NULL,
    record_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    clock_start INTEGER,
    body BLOB NOT NULL,
    PRIMARY KEY (app_id, subject_id, category, record_id)
) STRICT;
CREATE INDEX records_category ON records (app_id, category, subject_id, record_id);

CREATE TABLE record_versions (
    app_id TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    category TEXT NOT NULL,
    record_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    changed TEXT NOT NULL,
    PRIMARY KEY (app_id, subject_id, category, record_id, version)
) STRICT;

-- Consents: facts, and the state they fold to, kept in the same transaction.
CREATE TABLE consent_events (
    app_id TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    event_id BLOB NOT NULL,
    purpose TEXT NOT NULL,
    action TEXT NOT NULL,
    notice TEXT,
    notice_version INTEGER,
    language TEXT,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    actor TEXT NOT NULL,
    caller_id TEXT,
    PRIMARY KEY (app_id, subject_id, event_id)
) STRICT;
CREATE UNIQUE INDEX consent_events_caller ON consent_events (app_id, subject_id, caller_id);
CREATE INDEX consent_events_purpose ON consent_events (app_id, subject_id, purpose, occurred_at);

CREATE TABLE consent_states (
    app_id TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    purpose TEXT NOT NULL,
    action TEXT NOT NULL,
    event_id BLOB NOT NULL,
    notice TEXT,
    notice_version INTEGER,
    language TEXT,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (app_id, subject_id, purpose)
) STRICT;

-- Requests, what they make, and what is left of them.
CREATE TABLE requests (
    app_id TEXT NOT NULL,
    request_id BLOB NOT NULL,
    subject_id BLOB,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    step TEXT NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT,
    outcome TEXT,
    received_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    completed_at INTEGER,
    PRIMARY KEY (app_id, request_id)
) STRICT;
CREATE INDEX requests_subject ON requests (app_id, subject_id);

CREATE TABLE exports (
    app_id TEXT NOT NULL,
    export_id BLOB NOT NULL,
    subject_id BLOB NOT NULL,
    request_id BLOB NOT NULL,
    wrapped_key BLOB NOT NULL,
    chunks INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    ready INTEGER NOT NULL,
    token_mac BLOB,
    tries INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, export_id)
) STRICT;
CREATE INDEX exports_subject ON exports (app_id, subject_id);
CREATE INDEX exports_request ON exports (app_id, request_id);

CREATE TABLE export_chunks (
    app_id TEXT NOT NULL,
    export_id BLOB NOT NULL,
    chunk INTEGER NOT NULL,
    subject_id BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (app_id, export_id, chunk)
) STRICT;
CREATE INDEX export_chunks_subject ON export_chunks (app_id, subject_id);

CREATE TABLE certificates (
    app_id TEXT NOT NULL,
    certificate_id BLOB NOT NULL,
    request_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    jws TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, certificate_id)
) STRICT;
CREATE INDEX certificates_request ON certificates (app_id, request_id);

-- The log. A leaf names a person only by `subject_ref`, which points to nobody once the person's
-- key is gone; the payload goes with the person.
CREATE TABLE events (
    app_id TEXT NOT NULL,
    event_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject_ref BLOB,
    leaf TEXT NOT NULL,
    PRIMARY KEY (app_id, event_id)
) STRICT;
CREATE INDEX events_subject_ref ON events (app_id, subject_ref, event_id);

CREATE TABLE event_payloads (
    app_id TEXT NOT NULL,
    event_id BLOB NOT NULL,
    subject_id BLOB NOT NULL,
    salt BLOB NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (app_id, event_id)
) STRICT;
CREATE INDEX event_payloads_subject ON event_payloads (app_id, subject_id, event_id);

CREATE TABLE idempotency (
    app_id TEXT NOT NULL,
    key_mac BLOB NOT NULL,
    request_mac BLOB NOT NULL,
    answer TEXT,
    subject_id BLOB,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, key_mac)
) STRICT;
CREATE INDEX idempotency_subject ON idempotency (app_id, subject_id);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

CREATE TABLE jobs (
    app_id TEXT NOT NULL,
    job_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    subject_id BLOB,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    lease BLOB,
    last_error TEXT,
    PRIMARY KEY (app_id, job_id)
) STRICT;
CREATE INDEX jobs_due ON jobs (state, run_at);
CREATE INDEX jobs_subject ON jobs (app_id, subject_id);

-- Staff stand apart from apps.
CREATE TABLE users (
    user_id BLOB NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    apps TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    failed_logins INTEGER NOT NULL,
    locked_until INTEGER,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id)
) STRICT;
CREATE UNIQUE INDEX users_name ON users (name);

CREATE TABLE sessions (
    session_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (session_id)
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);
