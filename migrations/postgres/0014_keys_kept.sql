-- The keys of kept items, one each, wrapped by the app key.
CREATE TABLE kept_keys (
    app_id TEXT NOT NULL,
    item_id UUID NOT NULL,
    key_id UUID NOT NULL,
    key_version BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    commitment BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, item_id)
);
CREATE INDEX kept_keys_epoch ON kept_keys (app_id, epoch, item_id);
