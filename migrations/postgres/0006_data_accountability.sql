-- How many people consented to a purpose is counted over all of them.
CREATE INDEX consent_states_purpose ON consent_states (app_id, purpose, action);
