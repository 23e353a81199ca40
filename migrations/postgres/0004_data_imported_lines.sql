-- The lines of imports, so that one that comes again changes nothing. Ids and contents are kept as
-- MACs alone; a line goes with the person it is about.
CREATE TABLE imported_lines (
    app_id TEXT NOT NULL,
    line_mac BYTEA NOT NULL,
    content_mac BYTEA NOT NULL,
    subject_id UUID NOT NULL,
    PRIMARY KEY (app_id, line_mac)
);
CREATE INDEX imported_lines_subject ON imported_lines (app_id, subject_id);
