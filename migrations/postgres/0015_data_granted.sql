-- Only lists of those who consent to a purpose ask this index. While it held every action, PostgreSQL
-- could take it for the state of one person, and walk over everybody's.
DROP INDEX consent_states_purpose;
CREATE INDEX consent_states_granted ON consent_states (app_id, purpose, subject_id)
    WHERE action = 'granted';
