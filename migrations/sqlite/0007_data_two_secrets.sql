-- A client's secret before the last rotation, for as long as it still gets tokens.
ALTER TABLE clients ADD COLUMN previous_secret_mac BLOB;
ALTER TABLE clients ADD COLUMN previous_secret_until INTEGER;

-- One certificate of a request is final.
CREATE UNIQUE INDEX certificates_final ON certificates (app_id, request_id) WHERE kind = 'final';
