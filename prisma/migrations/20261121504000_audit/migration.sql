-- What administrators and the application's server have asked for. A row is written before anything is done, and completed before it is answered.
CREATE TABLE chat.audit_log (
  id uuid PRIMARY KEY,
  at timestamptz(3) NOT NULL,
  -- One of the two: a key of SERVER_API_KEY, by its id (never the key), or a user with the role admin.
  key_id text,
  user_id text,
  action text NOT NULL,
  target jsonb NOT NULL,
  details jsonb NOT NULL,
  status integer,
  CONSTRAINT audit_log_who_check CHECK ((key_id IS NULL) <> (user_id IS NULL))
);
CREATE INDEX audit_log_at_id_idx ON chat.audit_log (at, id);
CREATE INDEX audit_log_user_id_at_id_idx ON chat.audit_log (user_id, at, id);
CREATE INDEX audit_log_target_idx ON chat.audit_log USING gin (target jsonb_path_ops);
