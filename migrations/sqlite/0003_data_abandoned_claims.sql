-- Claims that were given up are found by their age, to be deleted; those that were kept never are.
CREATE INDEX claims_abandoned ON claims (created_at) WHERE subject_id IS NULL;
