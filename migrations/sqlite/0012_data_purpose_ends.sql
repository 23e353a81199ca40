-- Purposes under contract that the app has ended for a person (Art. 6(1)(b)).
CREATE TABLE purpose_ends (
    app_id TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    purpose TEXT NOT NULL,
    ended_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (app_id, subject_id, purpose)
) STRICT;

-- Whoever consents to a purpose is found without a walk over everybody.
CREATE INDEX consent_states_purpose ON consent_states (app_id, purpose, action, subject_id);
