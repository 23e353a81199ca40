-- Managing keys while the service runs: rotation, reindexing, retirement.

-- Which keys of an app are in force, as a number that rises with each change. Whoever writes under
-- these keys holds the row in the same transaction; whoever changes them updates it.
CREATE TABLE key_sets (
    app_id TEXT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL
);
INSERT INTO key_sets (app_id, revision) SELECT DISTINCT app_id, 1 FROM app_keys;

-- Since when nothing stands under an epoch.
ALTER TABLE app_keys ADD COLUMN emptied_at BIGINT;
CREATE INDEX subject_keys_epoch ON subject_keys (app_id, epoch, subject_id);

-- Epochs whose key was deleted; final once the root key version that wrapped it is deleted too.
CREATE TABLE retired_epochs (
    app_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    root_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT NOT NULL,
    final_at BIGINT,
    PRIMARY KEY (app_id, epoch)
);

-- The one work on keys that may be under way, its lease and its progress.
CREATE TABLE key_work (
    name TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    token UUID,
    leased_until BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL,
    root_version BIGINT,
    rotated_at BIGINT
);

-- Nothing may be wrapped under a root key version below this one: it is about to be deleted.
CREATE TABLE root_floor (
    name TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL
);
INSERT INTO root_floor (name, version) VALUES ('root', 0);
