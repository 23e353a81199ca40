-- Managing keys while the service runs: rotation, reindexing, retirement.

-- Which keys of an app are in force, as a number that rises with each change. Whoever writes under
-- these keys holds the row in the same transaction; whoever changes them updates it.
CREATE TABLE key_sets (
    app_id TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO key_sets (app_id, revision) SELECT DISTINCT app_id, 1 FROM app_keys;

-- Since when nothing stands under an epoch.
ALTER TABLE app_keys ADD COLUMN emptied_at INTEGER;
CREATE INDEX subject_keys_epoch ON subject_keys (app_id, epoch, subject_id);

-- Epochs whose key was deleted; final once the root key version that wrapped it is deleted too.
CREATE TABLE retired_epochs (
    app_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    root_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER NOT NULL,
    final_at INTEGER,
    PRIMARY KEY (app_id, epoch)
) STRICT;

-- The one work on keys that may be under way, its lease and its progress.
CREATE TABLE key_work (
    name TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    token BLOB,
    leased_until INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    root_version INTEGER,
    rotated_at INTEGER
) STRICT;

-- Nothing may be wrapped under a root key version below this one: it is about to be deleted.
CREATE TABLE root_floor (
    name TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT;
INSERT INTO root_floor (name, version) VALUES ('root', 0);
