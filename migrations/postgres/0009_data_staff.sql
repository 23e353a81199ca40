-- Temporary passwords, which must be changed at the next sign-in.
ALTER TABLE users ADD COLUMN must_change BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN password_expires_at BIGINT;

-- Who tried to sign in, and how it ended. A name that nobody has stands here as a MAC, counted by
-- day: people type passwords into the wrong field.
CREATE TABLE sign_ins (
    sign_in_id UUID NOT NULL,
    user_id UUID,
    name_mac BYTEA,
    day BIGINT NOT NULL,
    at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    tries BIGINT NOT NULL,
    PRIMARY KEY (sign_in_id)
);
CREATE UNIQUE INDEX sign_ins_unknown ON sign_ins (name_mac, day);
CREATE INDEX sign_ins_user ON sign_ins (user_id, sign_in_id);
CREATE INDEX sign_ins_at ON sign_ins (at);

-- What was done to staff accounts and to apps as a whole, which is in no app's log.
CREATE TABLE staff_events (
    event_id UUID NOT NULL,
    at BIGINT NOT NULL,
    type TEXT NOT NULL,
    actor TEXT NOT NULL,
    user_id UUID,
    detail TEXT NOT NULL,
    PRIMARY KEY (event_id)
);
