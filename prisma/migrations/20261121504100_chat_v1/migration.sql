-- What the application's own SQL may rely on: views whose columns keep their names, types and meaning from release to release, whatever becomes of
-- the tables below them. (OR REPLACE: who drops the schema chat to begin anew leaves this one.) Another meaning would be another schema, chat_v2. docs/in-your-database.md is their page, test/relational/v1 holds them to it.
DO $$ BEGIN
  -- (PostgreSQL asks for the right to make a schema even IF NOT EXISTS.)
  IF to_regnamespace('chat_v1') IS NULL THEN CREATE SCHEMA chat_v1; END IF;
END $$;

CREATE OR REPLACE VIEW chat_v1.chats AS
SELECT c.id AS chat_id, c.type::text AS type, c.name, c.description, c.avatar_url, c.external_ref, c.labels, c.metadata, c.created_by_id, c.support_status::text AS support_status, c.assignee_id,
  h.last_ordinal AS message_count, h.member_count, h.last_seq, h.last_message_at, c.created_at, c.updated_at
FROM chat.chat_session c JOIN chat.chat_head h ON h.chat_id = c.id
WHERE c.deleted_at IS NULL;

CREATE OR REPLACE VIEW chat_v1.messages AS
SELECT m.chat_id || '.' || m.seq AS message_id, m.chat_id, m.seq, m.sender_id, m.sender_label, m.type::text AS type, m.content, m.metadata,
  m.chat_id || '.' || m.reply_to_seq AS reply_to_id, m.chat_id || '.' || m.thread_root_seq AS thread_root_id, m.client_message_id, m.created_at, m.edited_at, m.deleted_at
FROM chat.chat_message m JOIN chat.chat_session c ON c.id = m.chat_id AND c.deleted_at IS NULL;

CREATE OR REPLACE VIEW chat_v1.participants AS
SELECT p.chat_id, p.user_id, p.role::text AS role, p.state::text AS state, p.label, p.joined_at, p.silenced_until,
  least(p.delivered_seq, coalesce(p.public_read_seq, p.delivered_seq)) AS delivered_seq, coalesce(p.public_read_seq, p.read_seq) AS read_seq
FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id AND c.deleted_at IS NULL;

-- A view reads tables by its owner's rights, but a function called in it runs by the caller's.
CREATE OR REPLACE FUNCTION chat_v1.unread_counts(p_chat_id uuid, p_user_id text, OUT unread_count integer, OUT mention_count integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT chat.unread_count(h, p), chat.mention_count(h, p)
  FROM chat.chat_participant p JOIN chat.chat_head h ON h.chat_id = p.chat_id
  WHERE p.chat_id = p_chat_id AND p.user_id = p_user_id
$$;
REVOKE ALL ON FUNCTION chat_v1.unread_counts FROM PUBLIC;

CREATE OR REPLACE VIEW chat_v1.unread AS
SELECT p.chat_id, p.user_id, u.unread_count, u.mention_count
FROM chat.chat_participant p JOIN chat.chat_session c ON c.id = p.chat_id AND c.deleted_at IS NULL
CROSS JOIN LATERAL chat_v1.unread_counts(p.chat_id, p.user_id) u
WHERE p.state = 'JOINED';

-- A role that may read them and nothing else, where whoever migrates may make one (it is of the whole cluster: another database may have made it).
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'parley_reader') THEN
    BEGIN
      CREATE ROLE parley_reader NOLOGIN;
    EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
      RAISE NOTICE 'parley_reader was not made: %', SQLERRM;
    END;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'parley_reader') THEN
    GRANT USAGE ON SCHEMA chat_v1 TO parley_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA chat_v1 TO parley_reader;
    GRANT EXECUTE ON FUNCTION chat_v1.unread_counts TO parley_reader;
  END IF;
END $$;
