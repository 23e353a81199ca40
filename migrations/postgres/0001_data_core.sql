-- Apps, what they declare, and who may call for them.
CREATE TABLE apps (
    app_id TEXT NOT NULL,
    title TEXT NOT NULL,
    settings TEXT NOT NULL,
    data_map_version BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (app_id)
);

CREATE TABLE clients (
    app_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    title TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secret_mac BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    rotated_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (app_id, client_id)
);

CREATE TABLE data_maps (
    app_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    document TEXT NOT NULL,
    digest BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (app_id, version)
);

CREATE TABLE notices (
    app_id TEXT NOT NULL,
    notice TEXT NOT NULL,
    version BIGINT NOT NULL,
    texts TEXT NOT NULL,
    digest BYTEA NOT NULL,
    requires_renewal BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (app_id, notice, version)
);

-- Subjects. `claims` ties a row here to the key rows in the other database.
CREATE TABLE subjects (
    app_id TEXT NOT NULL,
    subject_id UUID NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_contact BIGINT NOT NULL,
    PRIMARY KEY (app_id, subject_id)
);

CREATE TABLE claims (
    app_id TEXT NOT NULL,
    claim_id UUID NOT NULL,
    subject_id UUID,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, claim_id)
);
CREATE INDEX claims_subject ON claims (app_id, subject_id);

CREATE TABLE identifiers (
    app_id TEXT NOT NULL,
    subject_id UUID NOT NULL,
    identifier_id UUID NOT NULL,
    type TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, subject_id, identifier_id)
);

-- A record is one row: clear columns that policies read without keys, and a body of
-- (field name, empty flag, ciphertext).
CREATE TABLE records (
    app_id TEXT NOT NULL,
    subject_id UUID NOT NULL,
    category TEXT NOT NULL,
    record_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    clock_start INTEGER,
    body BYTEA NOT NULL,
    PRIMARY KEY (app_id, subject_id, category, record_id)
);
CREATE INDEX records_category ON records (app_id, category, subject_id, record_id);

CREATE TABLE record_versions (
    app_id TEXT NOT NULL,
    subject_id UUID NOT NULL,
    category TEXT NOT NULL,
    record_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    changed TEXT NOT NULL,
    PRIMARY KEY (app_id, subject_id, category, record_id, version)
);

-- Consents: facts, and the state they fold to, kept in the same transaction.
CREATE TABLE consent_events (
    app_id TEXT NOT NULL,
    subject_id UUID NOT NULL,
    event_id UUID NOT NULL,
    purpose TEXT NOT NULL,
    action TEXT NOT NULL,
    notice TEXT,
    notice_version BIGINT,
    language TEXT,
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    actor TEXT NOT NULL,
    caller_id TEXT,
    PRIMARY KEY (app_id, subject_id, event_id)
);
CREATE UNIQUE INDEX consent_events_caller ON consent_events (app_id, subject_id, caller_id);
CREATE INDEX consent_events_purpose ON consent_events (app_id, subject_id, purpose, occurred_at);

CREATE TABLE consent_states (
    app_id TEXT NOT NULL,
    subject_id UUID NOT NULL,
    purpose TEXT NOT NULL,
    action TEXT NOT NULL,
    event_id UUID NOT NULL,
    notice TEXT,
    notice_version BIGINT,
    language TEXT,
    occurred_at BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (app_id, subject_id, purpose)
);

-- Requests, what they make, and what is left of them.
CREATE TABLE requests (
    app_id TEXT NOT NULL,
    request_id UUID NOT NULL,
    subject_id UUID,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    step TEXT NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT,
    outcome TEXT,
    received_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    completed_at BIGINT,
    PRIMARY KEY (app_id, request_id)
);
CREATE INDEX requests_subject ON requests (app_id, subject_id);

CREATE TABLE exports (
    app_id TEXT NOT NULL,
    export_id UUID NOT NULL,
    subject_id UUID NOT NULL,
    request_id UUID NOT NULL,
    wrapped_key BYTEA NOT NULL,
    chunks BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    ready BOOLEAN NOT NULL,
    token_mac BYTEA,
    tries BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, export_id)
);
CREATE INDEX exports_subject ON exports (app_id, subject_id);
CREATE INDEX exports_request ON exports (app_id, request_id);

CREATE TABLE export_chunks (
    app_id TEXT NOT NULL,
    export_id UUID NOT NULL,
    chunk BIGINT NOT NULL,
    subject_id UUID NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (app_id, export_id, chunk)
);
CREATE INDEX export_chunks_subject ON export_chunks (app_id, subject_id);

CREATE TABLE certificates (
    app_id TEXT NOT NULL,
    certificate_id UUID NOT NULL,
    request_id UUID NOT NULL,
    kind TEXT NOT NULL,
    jws TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, certificate_id)
);
CREATE INDEX certificates_request ON certificates (app_id, request_id);

-- The log. A leaf names a person only by `subject_ref`, which points to nobody once the person's
-- key is gone; the payload goes with the person.
CREATE TABLE events (
    app_id TEXT NOT NULL,
    event_id UUID NOT NULL,
    at BIGINT NOT NULL,
    type TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject_ref BYTEA,
    leaf TEXT NOT NULL,
    PRIMARY KEY (app_id, event_id)
);
CREATE INDEX events_subject_ref ON events (app_id, subject_ref, event_id);

CREATE TABLE event_payloads (
    app_id TEXT NOT NULL,
    event_id UUID NOT NULL,
    subject_id UUID NOT NULL,
    salt BYTEA NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (app_id, event_id)
);
CREATE INDEX event_payloads_subject ON event_payloads (app_id, subject_id, event_id);

CREATE TABLE idempotency (
    app_id TEXT NOT NULL,
    key_mac BYTEA NOT NULL,
    request_mac BYTEA NOT NULL,
    answer TEXT,
    subject_id UUID,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, key_mac)
);
CREATE INDEX idempotency_subject ON idempotency (app_id, subject_id);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

CREATE TABLE jobs (
    app_id TEXT NOT NULL,
    job_id UUID NOT NULL,
    kind TEXT NOT NULL,
    subject_id UUID,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    lease UUID,
    last_error TEXT,
    PRIMARY KEY (app_id, job_id)
);
CREATE INDEX jobs_due ON jobs (state, run_at);
CREATE INDEX jobs_subject ON jobs (app_id, subject_id);

-- Staff stand apart from apps.
CREATE TABLE users (
    user_id UUID NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    apps TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    failed_logins BIGINT NOT NULL,
    locked_until BIGINT,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id)
);
CREATE UNIQUE INDEX users_name ON users (name);

CREATE TABLE sessions (
    session_id UUID NOT NULL,
    user_id UUID NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (session_id)
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);
