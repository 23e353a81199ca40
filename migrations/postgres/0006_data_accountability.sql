-- The log is searched by who did something and by what was done.
CREATE INDEX events_actor ON events (app_id, actor, event_id);
CREATE INDEX events_type ON events (app_id, type, event_id);

-- The payloads of reads go when they are old: those that go are found without passing the others.
ALTER TABLE event_payloads ADD COLUMN of_read BOOLEAN NOT NULL DEFAULT false;
UPDATE event_payloads SET of_read = true WHERE EXISTS (
    SELECT 1 FROM events
    WHERE events.app_id = event_payloads.app_id AND events.event_id = event_payloads.event_id
        AND events.type IN ('record.read', 'record.read_refused', 'consent.read')
);
CREATE INDEX event_payloads_read ON event_payloads (app_id, event_id) WHERE of_read;
