-- The public keys with which deleted apps signed, so that what they signed can still be checked.
CREATE TABLE retired_log_keys (
    app_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    public_key BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, version)
) STRICT;
