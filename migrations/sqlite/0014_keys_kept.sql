-- The keys of kept items, one each, wrapped by the app key.
CREATE TABLE kept_keys (
    app_id TEXT NOT NULL,
    item_id BLOB NOT NULL,
    key_id BLOB NOT NULL,
    key_version INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    commitment BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, item_id)
) STRICT;
CREATE INDEX kept_keys_epoch ON kept_keys (app_id, epoch, item_id);
