-- Legal holds, and what they and other duties keep of a person who was erased.

-- How many holds stand on a person, in the row that each write about the person reads.
ALTER TABLE subjects ADD COLUMN holds BIGINT NOT NULL DEFAULT 0;

-- A hold covers a person, a category or a field. Once it keeps something of an erased person it names
-- the request of the erasure and nobody; its note, sealed under the person's key, is gone then.
CREATE TABLE holds (
    app_id TEXT NOT NULL,
    hold_id UUID NOT NULL,
    subject_id UUID,
    request_id UUID,
    category TEXT,
    field TEXT,
    ground TEXT NOT NULL,
    legal_reference TEXT NOT NULL,
    note BYTEA,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    released_at BIGINT,
    released_by TEXT,
    release_reason TEXT,
    PRIMARY KEY (app_id, hold_id)
);
CREATE INDEX holds_subject ON holds (app_id, subject_id, hold_id);
CREATE INDEX holds_standing ON holds (app_id, hold_id) WHERE released_at IS NULL;

-- Fields of one record, each sealed under the item's own key: their names, who keeps them, and their
-- last day where no keeper is without an end.
CREATE TABLE kept_items (
    app_id TEXT NOT NULL,
    item_id UUID NOT NULL,
    request_id UUID NOT NULL,
    category TEXT NOT NULL,
    record_id TEXT NOT NULL,
    fields TEXT NOT NULL,
    kept_by TEXT NOT NULL,
    kept_until INTEGER,
    body BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, item_id)
);
CREATE INDEX kept_items_request ON kept_items (app_id, request_id, item_id);
CREATE INDEX kept_items_until ON kept_items (kept_until) WHERE kept_until IS NOT NULL;
