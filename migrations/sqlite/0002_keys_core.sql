-- Wrapped keys and blind indexes. Nothing here opens without the root key, which is in no database.
CREATE TABLE service_secrets (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    root_version INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    public_key BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) STRICT;

CREATE TABLE app_keys (
    app_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    root_version INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, epoch)
) STRICT;

CREATE TABLE app_secrets (
    app_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    public_key BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, name, version)
) STRICT;

CREATE TABLE subject_keys (
    app_id TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    claim_id BLOB NOT NULL,
    live INTEGER NOT NULL,
    key_id BLOB NOT NULL,
    key_version INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    commitment BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, subject_id)
) STRICT;
CREATE INDEX subject_keys_pending ON subject_keys (live, created_at);

CREATE TABLE blind_indexes (
    app_id TEXT NOT NULL,
    type TEXT NOT NULL,
    version INTEGER NOT NULL,
    value BLOB NOT NULL,
    subject_id BLOB NOT NULL,
    identifier_id BLOB NOT NULL,
    claim_id BLOB NOT NULL,
    live INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, type, version, value)
) STRICT;
CREATE INDEX blind_indexes_subject ON blind_indexes (app_id, subject_id);
CREATE INDEX blind_indexes_pending ON blind_indexes (live, created_at);
