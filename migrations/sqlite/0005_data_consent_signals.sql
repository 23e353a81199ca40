-- Privacy signals as they came with an event. `gpp` tells what a person chose, so it is sealed under
-- their data key; whether `Sec-GPC` was sent says no more than the action beside it.
ALTER TABLE consent_events ADD COLUMN gpc INTEGER;
ALTER TABLE consent_events ADD COLUMN gpp BLOB;
