-- Whether an app can be used: active, deleting, deleted. The row of a deleted app stays: its name is
-- never given to another.
ALTER TABLE apps ADD COLUMN state TEXT NOT NULL DEFAULT 'active';

-- The deletion of an app, from its proposal on, with the certificate at its end.
CREATE TABLE app_deletions (
    app_id TEXT NOT NULL,
    step TEXT NOT NULL,
    proposed_by BLOB NOT NULL,
    proposed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    approved_by BLOB,
    approved_at INTEGER,
    outcome TEXT NOT NULL,
    certificate TEXT,
    completed_at INTEGER,
    PRIMARY KEY (app_id)
) STRICT;
