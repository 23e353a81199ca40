-- The public keys with which deleted apps signed, so that what they signed can still be checked.
CREATE TABLE retired_log_keys (
    app_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    public_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, version)
);
