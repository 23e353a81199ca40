-- Wrapped keys and blind indexes. Nothing here opens without the root key, which is in no database.
CREATE TABLE service_secrets (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    root_version BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    public_key BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE app_keys (
    app_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    root_version BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, epoch)
);

CREATE TABLE app_secrets (
    app_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    public_key BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, name, version)
);

CREATE TABLE subject_keys (
    app_id TEXT NOT NULL,
    subject_id UUID NOT NULL,
    claim_id UUID NOT NULL,
    live BOOLEAN NOT NULL,
    key_id UUID NOT NULL,
    key_version BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    commitment BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, subject_id)
);
CREATE INDEX subject_keys_pending ON subject_keys (live, created_at);

CREATE TABLE blind_indexes (
    app_id TEXT NOT NULL,
    type TEXT NOT NULL,
    version BIGINT NOT NULL,
    value BYTEA NOT NULL,
    subject_id UUID NOT NULL,
    identifier_id UUID NOT NULL,
    claim_id UUID NOT NULL,
    live BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, type, version, value)
);
CREATE INDEX blind_indexes_subject ON blind_indexes (app_id, subject_id);
CREATE INDEX blind_indexes_pending ON blind_indexes (live, created_at);
