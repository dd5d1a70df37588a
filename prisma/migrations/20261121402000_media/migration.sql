-- Files. An attachment belongs to a chat from its upload on, and to a message once it is sent. Its bytes are an object of the
-- store, named by their SHA-256: attachments with the same bytes share it, and it goes with the last of them.
--
-- A message's row carries its attachments as they go over the wire, so that no read of messages has to look for them.
-- Replaces chat.message_text, chat.delete_messages, chat.delete_chat_rows and chat.send_messages (the newest form of each, whole).

CREATE TYPE chat.attachment_kind AS ENUM ('image', 'video', 'audio', 'voice', 'file');

-- Its row is there before its bytes are, and is locked while they are taken away.
CREATE TABLE chat.media_object (
  hash TEXT NOT NULL,
  size BIGINT NOT NULL,
  CONSTRAINT media_object_pkey PRIMARY KEY (hash)
);

CREATE TABLE chat.attachment (
  id UUID NOT NULL,
  chat_id UUID NOT NULL,
  seq INTEGER,
  uploader_id TEXT NOT NULL,
  kind chat.attachment_kind,
  file_name TEXT NOT NULL,
  size BIGINT NOT NULL,
  mime_type TEXT,
  width INTEGER,
  height INTEGER,
  duration_ms INTEGER,
  codec TEXT,
  waveform JSONB,
  object_hash TEXT,
  thumbnail_hash TEXT,
  expected_hash TEXT,
  is_voice BOOLEAN NOT NULL DEFAULT false,
  is_forwarded BOOLEAN NOT NULL DEFAULT false,
  ready BOOLEAN NOT NULL DEFAULT false,
  created_at TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT attachment_pkey PRIMARY KEY (id)
);

-- Objects that may have lost their last attachment, and uploads that nobody will complete, by their hash or key.
CREATE TABLE chat.media_garbage (
  id BIGSERIAL NOT NULL,
  key TEXT NOT NULL,
  CONSTRAINT media_garbage_pkey PRIMARY KEY (id)
);

CREATE INDEX attachment_chat_id_seq_idx ON chat.attachment (chat_id, seq);
CREATE INDEX attachment_uploader_id_idx ON chat.attachment (uploader_id);
CREATE INDEX attachment_object_hash_idx ON chat.attachment (object_hash);
CREATE INDEX attachment_thumbnail_hash_idx ON chat.attachment (thumbnail_hash);
CREATE INDEX attachment_unsent_idx ON chat.attachment (created_at) WHERE seq IS NULL;

ALTER TABLE chat.attachment
  ADD CONSTRAINT attachment_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES chat.chat_session (id) ON DELETE CASCADE ON UPDATE CASCADE,
  ADD CONSTRAINT attachment_chat_id_seq_fkey FOREIGN KEY (chat_id, seq) REFERENCES chat.chat_message (chat_id, seq) ON DELETE CASCADE ON UPDATE CASCADE,
  ADD CONSTRAINT attachment_uploader_id_fkey FOREIGN KEY (uploader_id) REFERENCES chat.chat_user (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  ADD CONSTRAINT attachment_object_hash_fkey FOREIGN KEY (object_hash) REFERENCES chat.media_object (hash) ON DELETE RESTRICT ON UPDATE CASCADE,
  ADD CONSTRAINT attachment_thumbnail_hash_fkey FOREIGN KEY (thumbnail_hash) REFERENCES chat.media_object (hash) ON DELETE RESTRICT ON UPDATE CASCADE,
  ADD CONSTRAINT attachment_ready_check CHECK (NOT ready OR (kind IS NOT NULL AND mime_type IS NOT NULL AND object_hash IS NOT NULL)),
  ADD CONSTRAINT attachment_sent_check CHECK (seq IS NULL OR ready),
  ADD CONSTRAINT attachment_size_check CHECK (size >= 0);

ALTER TABLE chat.chat_message ADD COLUMN attachments JSONB;
ALTER TABLE chat.chat_message
  DROP CONSTRAINT chat_message_deleted_check,
  ADD CONSTRAINT chat_message_deleted_check CHECK (deleted_at IS NULL OR (content IS NULL AND metadata = '{}'::jsonb AND mentions IS NULL AND reactions IS NULL AND attachments IS NULL));

-- Signs URLs; all nodes know it.
ALTER TABLE chat.meta ADD COLUMN url_key TEXT;
UPDATE chat.meta SET url_key = gen_random_uuid()::text || gen_random_uuid()::text;
ALTER TABLE chat.meta ALTER COLUMN url_key SET NOT NULL;

-- However an attachment goes, what it may leave behind is written down with it: the store is cleaned after the commit, and a crash in between forgets nothing.
CREATE FUNCTION chat.forget_attachment() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO chat.media_garbage (key)
  SELECT k FROM unnest(ARRAY[OLD.object_hash, OLD.thumbnail_hash, CASE WHEN NOT OLD.ready THEN 'uploads/' || OLD.id END]) AS k WHERE k IS NOT NULL;
  RETURN NULL;
END $$;

CREATE TRIGGER attachment_forgotten AFTER DELETE ON chat.attachment FOR EACH ROW EXECUTE FUNCTION chat.forget_attachment();

-- Nothing in it depends on who looks: its URLs carry no signature.
CREATE FUNCTION chat.attachment_json(a chat.attachment) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object('id', (a).id, 'kind', (a).kind, 'fileName', (a).file_name, 'size', (a).size, 'mimeType', (a).mime_type, 'width', (a).width, 'height', (a).height,
  'durationMs', (a).duration_ms, 'waveform', (a).waveform, 'url', '/api/v1/chat/media/' || (a).id,
  'thumbnailUrl', CASE WHEN (a).thumbnail_hash IS NOT NULL THEN '/api/v1/chat/media/' || (a).id || '/thumbnail' END, 'createdAt', chat.rfc3339((a).created_at));

-- The same bytes, forwarded.
CREATE FUNCTION chat.attachment_copy(a chat.attachment, p_id uuid, p_now timestamptz) RETURNS chat.attachment
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_populate_record(a, jsonb_build_object('id', p_id, 'created_at', p_now, 'is_forwarded', true));

-- Why this user may not upload to the chat; '' : they may. What chat.send_messages asks of a sender, but for its pace and its numbers.
CREATE FUNCTION chat.upload_refusal(p_chat_id uuid, p_user_id text) RETURNS text
LANGUAGE sql STABLE
RETURN coalesce((
  SELECT CASE
    WHEN u.banned_until > clock_timestamp() THEN 'USER_BANNED'
    WHEN p.silenced_until > clock_timestamp() THEN 'SILENCED'
    WHEN coalesce(p.role, 'MEMBER') > c.who_may_send THEN 'CHAT_READ_ONLY'
    WHEN c.type = 'DIRECT' AND EXISTS (
      SELECT FROM chat.user_block b
      WHERE (b.user_id, b.blocked_user_id) IN ((c.direct_low, c.direct_high), (c.direct_high, c.direct_low))) THEN 'CHAT_BLOCKED'
    WHEN c.request_status = 'REJECTED' AND c.requested_by_id = p_user_id THEN 'REQUEST_LIMIT'
    WHEN c.request_status = 'PENDING' AND c.requested_by_id = p_user_id AND p.sent_count >= c.request_allowance THEN 'REQUEST_LIMIT'
    ELSE '' END
  FROM chat.chat_session c JOIN chat.chat_user u ON u.id = p_user_id
  LEFT JOIN chat.chat_participant p ON p.chat_id = c.id AND p.user_id = u.id
  WHERE c.id = p_chat_id AND c.deleted_at IS NULL AND (p.state = 'JOINED' OR (c.type = 'STREAM' AND p.state IS DISTINCT FROM 'BANNED'))), 'CHAT_NOT_FOUND');

-- As before, but with the attachments.
CREATE OR REPLACE FUNCTION chat.message_text(m chat.chat_message) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN concat(
  '{"id":"', (m).chat_id, '.', (m).seq, '","chatId":"', (m).chat_id, '","seq":', (m).seq, ',"revision":', (m).revision,
  ',"senderId":', coalesce(to_json((m).sender_id), 'null'), ',"senderLabel":', coalesce(to_json((m).sender_label), 'null'), ',"type":"', (m).type,
  '","content":', coalesce(to_json((m).content), 'null'), ',"attachments":', CASE WHEN (m).attachments IS NULL THEN '[]' ELSE (m).attachments::text END, ',"metadata":', (m).metadata, ',"system":', coalesce((m).system, 'null'),
  ',"replyTo":', CASE WHEN (m).reply_to_seq IS NULL THEN 'null' ELSE concat('{"messageId":"', (m).chat_id, '.', (m).reply_to_seq, '","seq":', (m).reply_to_seq, '}') END,
  ',"threadRoot":', CASE WHEN (m).thread_root_seq IS NULL THEN 'null' ELSE concat('{"messageId":"', (m).chat_id, '.', (m).thread_root_seq, '","seq":', (m).thread_root_seq, '}') END,
  ',"thread":', CASE WHEN (m).reply_count > 0 THEN concat('{"replyCount":', (m).reply_count, ',"lastReplySeq":', (m).last_reply_seq, '}') ELSE 'null' END,
  ',"forwardedFrom":', coalesce((m).forwarded_from, 'null'),
  ',"mentions":', CASE WHEN (m).mentions IS NULL THEN '{"userIds":[],"all":false}' ELSE (m).mentions::text END,
  ',"reactions":', CASE WHEN (m).reactions IS NULL THEN '[]' ELSE (m).reactions::text END,
  ',"pinned":', CASE WHEN (m).pinned_at IS NULL THEN 'null' ELSE concat('{"userId":', to_json((m).pinned_by_id), ',"at":"', chat.rfc3339((m).pinned_at), '"}') END,
  ',"clientMessageId":', to_json((m).client_message_id), ',"createdAt":"', chat.rfc3339((m).created_at),
  '","editedAt":', CASE WHEN (m).edited_at IS NULL THEN 'null' ELSE concat('"', chat.rfc3339((m).edited_at), '"') END,
  ',"deletedAt":', CASE WHEN (m).deleted_at IS NULL THEN 'null' ELSE concat('"', chat.rfc3339((m).deleted_at), '"') END,
  ',"deletedById":', coalesce(to_json((m).deleted_by_id), 'null'), '}');

-- As before, but for the attachments: locked in the order in which a send takes them.
CREATE OR REPLACE FUNCTION chat.delete_messages(p_chat_id uuid, p_from integer, p_to integer) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = '' SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  DELETE FROM chat.message_reaction r WHERE r.chat_id = p_chat_id AND r.seq >= p_from AND r.seq < p_to;
  DELETE FROM chat.message_version x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  DELETE FROM chat.message_hidden x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  DELETE FROM chat.mention x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  PERFORM FROM chat.attachment a WHERE a.chat_id = p_chat_id AND a.seq >= p_from AND a.seq < p_to ORDER BY a.id FOR UPDATE;
  DELETE FROM chat.attachment a WHERE a.chat_id = p_chat_id AND a.seq >= p_from AND a.seq < p_to;
  DELETE FROM chat.message_search x WHERE x.chat_id = p_chat_id AND x.seq >= p_from AND x.seq < p_to;
  FOR v_level IN 0 .. 3 LOOP
    DELETE FROM chat.search_segment s WHERE s.chat_id = p_chat_id AND s.level = v_level AND s.number < (p_to - 1) >> (7 + 2 * v_level);
  END LOOP;
  -- Its counts go with a block too: until then nobody's unread messages begin below it.
  DELETE FROM chat.deletion_count d WHERE d.chat_id = p_chat_id AND d.block < chat.block_of(p_to, d.level);
  DELETE FROM chat.chat_message m WHERE m.chat_id = p_chat_id AND m.seq >= p_from AND m.seq < p_to;
  UPDATE chat.chat_head h SET min_seq = p_to WHERE h.chat_id = p_chat_id;
END $$;

-- Removes rows of a chat that has been deleted for everyone, as many as a transaction takes: messages with all that hangs on
-- them, then uploads, then what people have read and got, then people, then the chat. It takes the locks that a send takes, in the same order.
-- True: there is more to do.
CREATE OR REPLACE FUNCTION chat.delete_chat_rows(p_chat_id uuid, p_limit integer DEFAULT 1000) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = '' SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  v_from integer;
  v_to integer;
BEGIN
  PERFORM FROM chat.chat_head h WHERE h.chat_id = p_chat_id FOR UPDATE;
  PERFORM FROM chat.chat_session c WHERE c.id = p_chat_id AND c.deleted_at IS NOT NULL;
  IF NOT FOUND THEN
    RETURN false;
  END IF;

  SELECT min(m.seq), max(m.seq) + 1 INTO v_from, v_to
  FROM (SELECT o.seq FROM chat.chat_message o WHERE o.chat_id = p_chat_id ORDER BY o.seq LIMIT p_limit) m;
  IF v_to IS NOT NULL THEN
    PERFORM chat.delete_messages(p_chat_id, v_from, v_to);
    RETURN true;
  END IF;

  -- What was uploaded and never sent.
  DELETE FROM chat.attachment a USING (
    SELECT o.id FROM chat.attachment o WHERE o.chat_id = p_chat_id ORDER BY o.id LIMIT p_limit FOR UPDATE) few
  WHERE a.id = few.id;
  IF FOUND THEN
    RETURN true;
  END IF;

  DELETE FROM chat.message_read r USING (
    SELECT o.user_id, o.to_seq FROM chat.message_read o WHERE o.chat_id = p_chat_id ORDER BY o.user_id, o.to_seq LIMIT p_limit) few
  WHERE r.chat_id = p_chat_id AND r.user_id = few.user_id AND r.to_seq = few.to_seq;
  IF FOUND THEN
    RETURN true;
  END IF;

  DELETE FROM chat.message_delivery d USING (
    SELECT o.user_id, o.to_seq FROM chat.message_delivery o WHERE o.chat_id = p_chat_id ORDER BY o.user_id, o.to_seq LIMIT p_limit) few
  WHERE d.chat_id = p_chat_id AND d.user_id = few.user_id AND d.to_seq = few.to_seq;
  IF FOUND THEN
    RETURN true;
  END IF;

  DELETE FROM chat.chat_participant p USING (
    SELECT o.user_id FROM chat.chat_participant o WHERE o.chat_id = p_chat_id ORDER BY o.user_id LIMIT p_limit FOR UPDATE) few
  WHERE p.chat_id = p_chat_id AND p.user_id = few.user_id;
  IF FOUND THEN
    RETURN true;
  END IF;

  DELETE FROM chat.chat_head h WHERE h.chat_id = p_chat_id;
  DELETE FROM chat.chat_session c WHERE c.id = p_chat_id;
  RETURN false;
END $$;

-- Sending. Everything that becomes a message goes through this function: REST, WebSocket, system messages, and an
-- application that sends inside a transaction of its own (once, last).
--
-- p_items: [{ "chatId", "senderId" | null, "type"?, "content"?, "metadata"?, "system"?, "replyToSeq"?, "threadRootSeq"?, "mentions"?: { "userIds", "all" },
--             "forwardedFrom"?, "attachments"?: [{ "id", "from"? }], "clientMessageId", "requestHash", "searchKeys"? }] (without the last it is searched a moment later)
-- An attachment is one that its sender has uploaded to the chat, and that no message has yet; or, with "from", a new one with the
-- bytes of that which a message has: whoever calls has seen to it that the sender may see it. Where no type is given it is theirs.
-- p_wait:  false: a chat whose head, or a sender's row, is held is not waited for: its items come back BUSY.
-- p_notify: wake the nodes by NOTIFY parley. The nodes themselves publish what they have sent, and pass false.
--
-- One row an item, in the order of the items (idx from 1). status:
--   created    the new message
--   duplicate  the message, as it is now, that the sender's clientMessageId has made before (or earlier in the batch)
--   rejected   nothing was written, code says why
--   busy       nothing was written, send it again
-- previous_revision is the chat's revision before the message and the rows that change with it, each of which has a revision
-- of its own, just below the message's: participant, when the sender has become one by speaking in a STREAM; thread_root, the
-- message at the top of the thread (with the last reply of the batch to it). watermark is set when the sender stood right
-- before their own message and was moved onto it. It is for everybody, unless it says publicReadSeq (what others are told of
-- a sender who reads privately) and hiddenFrom (whom the sender blocks).
--
-- The ordering rule: heads are locked by chat, then the senders by (chat, user), and only a later statement looks at
-- anything, so that it sees all that the holders before it have committed. Numbers given out under the lock become visible
-- in their order. The planner is kept from hashing or scanning the message table: every look-up here is a probe.
--
-- It goes in steps, so that a batch costs no more than what is in it: one statement judges and numbers all items, the next ones write
-- rows that are known by then. What few messages have (somebody who joins, mentions, threads, repeats) is written by
-- statements that run only where it is there. No step compares items with items: what belongs together is found by position.
CREATE OR REPLACE FUNCTION chat.send_messages(p_items jsonb, p_wait boolean DEFAULT true, p_notify boolean DEFAULT true)
RETURNS TABLE (idx integer, status text, code text, message_id text, chat_id uuid, seq integer, revision integer, previous_revision integer,
               created_at timestamptz, retry_after_ms integer, watermark json, participant json, thread_root json, message json)
LANGUAGE plpgsql VOLATILE
SET search_path = '' SET lock_timeout = '5s'
SET plan_cache_mode = force_generic_plan SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  v_locked uuid[];
  v_now timestamptz;
  v_rows chat.sending[];
  v_joining integer[];
  v_joined json[];
  v_messages json[];
  v_ending integer[];
  v_roots json[];
  v_earlier json[];
  -- Of the items with attachments, by their idx: { "code": why not | null, "type", "attachments" }. Null: there are none.
  v_files jsonb;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'PARLEY_ISOLATION: chat.send_messages needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
  END IF;

  IF p_wait THEN
    SELECT coalesce(array_agg(l.chat_id), '{}') INTO v_locked FROM (
      SELECT h.chat_id FROM chat.chat_head h
      WHERE h.chat_id = ANY (ARRAY(SELECT (i ->> 'chatId')::uuid FROM jsonb_array_elements(p_items) AS i))
      ORDER BY h.chat_id FOR NO KEY UPDATE) l;
  ELSE
    SELECT coalesce(array_agg(l.chat_id), '{}') INTO v_locked FROM (
      SELECT h.chat_id FROM chat.chat_head h
      WHERE h.chat_id = ANY (ARRAY(SELECT (i ->> 'chatId')::uuid FROM jsonb_array_elements(p_items) AS i))
      ORDER BY h.chat_id FOR NO KEY UPDATE SKIP LOCKED) l;
  END IF;

  IF p_wait THEN
    PERFORM FROM chat.chat_participant p
    JOIN (SELECT DISTINCT (i ->> 'chatId')::uuid AS chat_id, i ->> 'senderId' AS user_id FROM jsonb_array_elements(p_items) AS i) s
      ON p.chat_id = s.chat_id AND p.user_id = s.user_id
    WHERE s.chat_id = ANY (v_locked)
    ORDER BY p.chat_id, p.user_id FOR NO KEY UPDATE OF p;
  ELSE
    -- A chat with a sender whose row is held is busy as a whole, so that it keeps its order.
    WITH sender AS MATERIALIZED (
      SELECT DISTINCT (i ->> 'chatId')::uuid AS chat_id, i ->> 'senderId' AS user_id FROM jsonb_array_elements(p_items) AS i
    ), free AS MATERIALIZED (
      SELECT p.chat_id, p.user_id FROM chat.chat_participant p JOIN sender s ON p.chat_id = s.chat_id AND p.user_id = s.user_id
      WHERE s.chat_id = ANY (v_locked)
      ORDER BY p.chat_id, p.user_id FOR NO KEY UPDATE OF p SKIP LOCKED
    )
    SELECT coalesce(array_agg(l.chat_id), '{}') INTO v_locked FROM unnest(v_locked) AS l (chat_id)
    WHERE l.chat_id <> ALL (ARRAY(
      SELECT counted.chat_id FROM (
        SELECT p.chat_id, 1 AS difference FROM sender s JOIN chat.chat_participant p ON p.chat_id = s.chat_id AND p.user_id = s.user_id
        WHERE s.chat_id = ANY (v_locked)
        UNION ALL SELECT f.chat_id, -1 FROM free f) counted
      GROUP BY counted.chat_id HAVING sum(counted.difference) > 0));
  END IF;

  v_now := clock_timestamp();

  -- (Most batches have none, and are asked no more than that.) What is taken here nobody can take away or delete any more.
  IF p_items @? '$[*].attachments' THEN
    PERFORM FROM chat.attachment a
    WHERE a.id = ANY (ARRAY(SELECT coalesce(w.file ->> 'from', w.file ->> 'id')::uuid
      FROM jsonb_array_elements(p_items) AS i CROSS JOIN LATERAL jsonb_array_elements(i -> 'attachments') AS w (file)))
    ORDER BY a.id FOR NO KEY UPDATE;

    SELECT jsonb_object_agg(f.idx, jsonb_build_object('code', CASE
        WHEN f.missing THEN 'MEDIA_NOT_FOUND'
        WHEN f.used THEN 'ATTACHMENT_USED'
        WHEN f.given NOT IN (f.type, 'FILE') THEN 'VALIDATION_FAILED' END, 'type', f.type, 'attachments', f.attachments)) INTO v_files
    FROM (
      SELECT w.idx, w.given, bool_or(a.id IS NULL) AS missing, bool_or(w.from_id IS NULL AND (a.seq IS NOT NULL OR w.taken)) AS used,
        CASE WHEN count(DISTINCT a.kind) = 1 THEN upper(min(a.kind::text)) ELSE 'FILE' END AS type,
        jsonb_agg(chat.attachment_json(CASE WHEN w.from_id IS NULL THEN a ELSE chat.attachment_copy(a, w.id, v_now) END) ORDER BY w.place) AS attachments
      FROM (
        -- (Of two items of a batch that name the same one the first has it, whatever becomes of that.)
        SELECT e.ordinality AS idx, e.item ->> 'type' AS given, (e.item ->> 'chatId')::uuid AS chat_id, e.item ->> 'senderId' AS sender_id, e.item ->> 'clientMessageId' AS key,
          file.ordinality AS place, (file.item ->> 'id')::uuid AS id, (file.item ->> 'from')::uuid AS from_id,
          first_value(e.item ->> 'clientMessageId') OVER (PARTITION BY file.item ->> 'id' ORDER BY e.ordinality, file.ordinality) <> e.item ->> 'clientMessageId'
            OR row_number() OVER (PARTITION BY file.item ->> 'id', e.ordinality) > 1 AS taken
        FROM jsonb_array_elements(p_items) WITH ORDINALITY AS e (item, ordinality)
        CROSS JOIN LATERAL jsonb_array_elements(e.item -> 'attachments') WITH ORDINALITY AS file (item, ordinality)) w
      LEFT JOIN chat.attachment a ON a.id = coalesce(w.from_id, w.id) AND a.ready
        AND CASE WHEN w.from_id IS NULL THEN a.chat_id = w.chat_id AND a.uploader_id = w.sender_id ELSE a.seq IS NOT NULL END
      GROUP BY w.idx, w.given) f;
  END IF;

  WITH item AS MATERIALIZED (
    SELECT e.ordinality::integer AS idx, r.chat_id, r.sender_id, coalesce(r.type, v_files -> e.ordinality::text ->> 'type', 'TEXT')::chat.message_type AS type,
      r.reply_to_seq, r.thread_root_seq, r.mentions, r.is_forward, r.client_message_id, r.request_hash, r.chat_id = ANY (v_locked) AS locked,
      -- The same key earlier in this batch: it shares that item's answer.
      first_value(e.ordinality::integer) OVER same_key AS first_idx,
      first_value(r.request_hash) OVER same_key AS first_hash
    FROM jsonb_array_elements(p_items) WITH ORDINALITY AS e (item, ordinality)
    CROSS JOIN LATERAL (SELECT (e.item ->> 'chatId')::uuid AS chat_id, e.item ->> 'senderId' AS sender_id, e.item ->> 'type' AS type,
      (e.item ->> 'replyToSeq')::integer AS reply_to_seq, (e.item ->> 'threadRootSeq')::integer AS thread_root_seq, e.item -> 'mentions' AS mentions,
      e.item ? 'forwardedFrom' AS is_forward, e.item ->> 'clientMessageId' AS client_message_id, e.item ->> 'requestHash' AS request_hash) r
    WINDOW same_key AS (PARTITION BY r.chat_id, coalesce(r.sender_id, ''), r.client_message_id ORDER BY e.ordinality)
  ),
  judged AS MATERIALIZED (
    SELECT i.*, h.last_seq, h.last_revision, h.last_ordinal, h.last_message_at, coalesce(p.sent_count, 0) AS sent_count,
      p.read_seq, p.delivered_seq, p.public_read_seq, p.label,
      coalesce(u.settings @> '{"privateReading": true}', false) AS is_private,
      u.settings @> '{"privateReading": true}' OR p.public_read_seq IS NOT NULL OR EXISTS (SELECT FROM chat.user_block b WHERE b.user_id = i.sender_id) AS is_veiled,
      thread.seq AS thread_seq, i.sender_id IS NOT NULL AND p.state IS DISTINCT FROM 'JOINED' AS is_new,
      earlier.seq AS earlier_seq, earlier.revision AS earlier_revision, earlier.created_at AS earlier_created_at,
      CASE
        WHEN h.chat_id IS NULL THEN CASE WHEN EXISTS (SELECT FROM chat.chat_head x WHERE x.chat_id = i.chat_id) THEN 'BUSY' ELSE 'CHAT_NOT_FOUND' END
        WHEN earlier.seq IS NOT NULL THEN CASE WHEN earlier.request_hash = i.request_hash THEN 'DUPLICATE' ELSE 'MESSAGE_ID_CONFLICT' END
        WHEN c.deleted_at IS NOT NULL THEN 'CHAT_NOT_FOUND'
        WHEN i.sender_id IS NULL THEN NULL
        -- In a STREAM anybody may speak, and is a participant from then on.
        WHEN p.state IS DISTINCT FROM 'JOINED' AND (c.type <> 'STREAM' OR p.state = 'BANNED' OR u.id IS NULL)
          AND (c.request_status = 'REJECTED' AND p.state = 'REJECTED') IS NOT TRUE THEN 'CHAT_NOT_FOUND'
        WHEN u.banned_until > v_now THEN 'USER_BANNED'
        WHEN p.silenced_until > v_now THEN 'SILENCED'
        WHEN coalesce(p.role, 'MEMBER') > c.who_may_send THEN 'CHAT_READ_ONLY'
        WHEN c.type = 'DIRECT' AND EXISTS (
          SELECT FROM chat.user_block b
          WHERE (b.user_id, b.blocked_user_id) IN ((c.direct_low, c.direct_high), (c.direct_high, c.direct_low))) THEN 'CHAT_BLOCKED'
        -- A request. Who is asked answers by writing, and who was refused long ago asks anew: both change more than this
        -- function does, and so does chats/requests.ts, around it, when it hears REQUEST_PENDING.
        WHEN c.request_status = 'PENDING' THEN CASE
          WHEN i.sender_id <> c.requested_by_id OR i.is_forward THEN 'REQUEST_PENDING'
          WHEN p.sent_count >= c.request_allowance THEN 'REQUEST_LIMIT' END
        WHEN c.request_status = 'REJECTED' THEN CASE
          WHEN i.sender_id = c.requested_by_id AND v_now < chat.may_ask_again_at(c.answered_at) THEN 'REQUEST_LIMIT' ELSE 'REQUEST_PENDING' END
        WHEN i.reply_to_seq IS NOT NULL AND NOT EXISTS (
          SELECT FROM (SELECT f.seq, f.deleted_at FROM chat.chat_message f WHERE f.chat_id = i.chat_id AND f.seq >= i.reply_to_seq ORDER BY f.seq LIMIT 1) q
          WHERE q.seq = i.reply_to_seq AND q.seq > coalesce(chat.bound(h, p), h.min_seq - 1) AND q.deleted_at IS NULL) THEN 'MESSAGE_NOT_FOUND'
        WHEN i.thread_root_seq IS NOT NULL AND thread.seq IS NULL THEN 'MESSAGE_NOT_FOUND'
        -- @all is for those who keep the order.
        WHEN (i.mentions ->> 'all')::boolean AND c.type <> 'DIRECT' AND coalesce(p.role, 'MEMBER') > 'MODERATOR' THEN 'ROLE_REQUIRED'
        WHEN v_files IS NOT NULL AND v_files -> i.idx::text ->> 'code' IS NOT NULL THEN v_files -> i.idx::text ->> 'code'
        WHEN slow.free_at > v_now THEN 'SLOW_MODE'
        -- Nothing else is in the way: whoever sends opens the chat again, and then the message is let in.
        WHEN c.support_status = 'CLOSED' THEN 'CHAT_CLOSED'
      END AS verdict,
      CASE WHEN c.slow_mode_seconds > 0 AND coalesce(p.role, 'MEMBER') = 'MEMBER' AND i.sender_id IS NOT NULL THEN c.slow_mode_seconds END AS slow_mode_seconds,
      CASE WHEN c.request_status = 'PENDING' AND i.sender_id IS NOT NULL THEN c.request_allowance - p.sent_count END AS left_to_say,
      -- Somebody may be silenced for a year, or for ever.
      least(1000 * (CASE
        WHEN p.silenced_until > v_now THEN extract(epoch FROM p.silenced_until)
        WHEN slow.free_at > v_now THEN extract(epoch FROM slow.free_at)
      END - extract(epoch FROM v_now)), 2147483647)::integer AS retry_after_ms
    FROM item i
    LEFT JOIN chat.chat_head h ON h.chat_id = i.chat_id AND i.locked
    LEFT JOIN chat.chat_session c ON c.id = h.chat_id
    LEFT JOIN chat.chat_participant p ON p.chat_id = h.chat_id AND p.user_id = i.sender_id
    LEFT JOIN chat.chat_user u ON u.id = i.sender_id
    LEFT JOIN LATERAL (
      SELECT m.seq, m.revision, m.request_hash, m.created_at FROM chat.chat_message m
      WHERE m.chat_id = h.chat_id AND coalesce(m.sender_id, '') = coalesce(i.sender_id, '') AND m.client_message_id = i.client_message_id LIMIT 1) earlier ON true
    LEFT JOIN LATERAL (
      SELECT m.created_at + make_interval(secs => c.slow_mode_seconds) AS free_at FROM chat.chat_message m
      WHERE c.slow_mode_seconds > 0 AND coalesce(p.role, 'MEMBER') = 'MEMBER' AND m.chat_id = h.chat_id AND m.sender_id = i.sender_id
      ORDER BY m.seq DESC LIMIT 1) slow ON true
    -- Who answers to an answer writes in its thread. (Each is asked for as the first from a seq on: only the primary key has that
    -- order. By a plain equality a plan that was made while the table was empty, and is kept, reads through the whole chat.)
    LEFT JOIN LATERAL (
      SELECT coalesce(q.thread_root_seq, q.seq) AS root_seq FROM (
        SELECT f.* FROM chat.chat_message f WHERE f.chat_id = h.chat_id AND f.seq >= i.thread_root_seq ORDER BY f.seq LIMIT 1) q
      WHERE q.seq = i.thread_root_seq AND q.seq > coalesce(chat.bound(h, p), h.min_seq - 1) AND q.deleted_at IS NULL AND q.type <> 'SYSTEM'
        AND NOT chat.is_hidden(h.chat_id, q.seq, i.sender_id)) told ON true
    LEFT JOIN LATERAL (
      SELECT root.seq FROM (
        SELECT f.seq, f.deleted_at FROM chat.chat_message f WHERE f.chat_id = h.chat_id AND f.seq >= told.root_seq ORDER BY f.seq LIMIT 1) root
      WHERE root.seq = told.root_seq AND root.deleted_at IS NULL) thread ON true
  ),
  -- Within the batch: in slow mode only the first of a sender's messages is let through, and of a request as many as are left.
  paced AS (
    SELECT j.*, j.verdict IS NULL AND j.idx = j.first_idx AND coalesce(row_number() OVER (
      PARTITION BY j.chat_id, j.sender_id ORDER BY j.verdict IS NOT NULL OR j.idx <> j.first_idx, j.idx)
        <= least(CASE WHEN j.slow_mode_seconds IS NOT NULL THEN 1 END, j.left_to_say), true) AS accepted
    FROM judged j
  ),
  ranked AS (
    SELECT a.*, row_number() OVER sender_order AS sender_rank, count(*) FILTER (WHERE a.type <> 'SYSTEM') OVER sender_order AS sender_count,
      a.accepted AND a.is_new AND row_number() OVER sender_order = 1 AS joins,
      a.accepted AND a.thread_seq IS NOT NULL AND row_number() OVER (PARTITION BY a.accepted, a.chat_id, a.thread_seq ORDER BY a.idx DESC) = 1 AS ends_thread
    FROM paced a
    WINDOW sender_order AS (PARTITION BY a.accepted, a.chat_id, a.sender_id ORDER BY a.idx)
  ),
  numbered AS (
    SELECT a.*, a.last_seq + row_number() OVER chat_order AS seq,
      a.last_revision + sum(1 + a.joins::integer + a.ends_thread::integer) OVER chat_order AS revision,
      a.last_ordinal + count(*) FILTER (WHERE a.type <> 'SYSTEM') OVER chat_order AS ordinal,
      row_number() OVER (PARTITION BY a.accepted ORDER BY a.chat_id, a.idx) AS place
    FROM ranked a
    WINDOW chat_order AS (PARTITION BY a.accepted, a.chat_id ORDER BY a.idx)
  ),
  stood AS (
    -- Who has just come has read what was there.
    SELECT n.*, CASE WHEN n.is_new THEN first_value(n.seq) OVER (PARTITION BY n.accepted, n.chat_id, n.sender_id ORDER BY n.idx) - 1 ELSE n.read_seq END AS stood_at
    FROM numbered n
  ),
  settled AS (
    SELECT s.*, s.idx = s.first_idx AS is_first,
      first_value(CASE WHEN s.accepted THEN 'created'
        ELSE coalesce(s.verdict, CASE WHEN s.left_to_say IS NULL THEN 'SLOW_MODE' ELSE 'REQUEST_LIMIT' END) END) OVER same_key AS first_outcome,
      first_value(CASE WHEN s.accepted THEN s.seq ELSE s.earlier_seq END) OVER same_key AS first_seq,
      first_value(CASE WHEN s.accepted THEN s.revision ELSE s.earlier_revision END) OVER same_key AS first_revision,
      first_value(CASE WHEN s.accepted THEN greatest(v_now, s.last_message_at) ELSE s.earlier_created_at END) OVER same_key AS first_created_at,
      first_value(CASE WHEN s.accepted THEN s.place END) OVER same_key AS first_place
    FROM stood s
    WINDOW same_key AS (PARTITION BY s.first_idx ORDER BY s.idx)
  )
  SELECT array_agg(ROW(s.idx,
      CASE
        WHEN s.accepted THEN 'created'
        WHEN s.first_outcome = 'BUSY' THEN 'busy'
        WHEN s.first_outcome = 'DUPLICATE' OR (s.first_outcome = 'created' AND NOT s.is_first) THEN CASE WHEN s.is_first OR s.first_hash = s.request_hash THEN 'duplicate' ELSE 'MESSAGE_ID_CONFLICT' END
        ELSE s.first_outcome
      END,
      s.chat_id, s.sender_id, s.type, s.first_seq, s.first_revision, s.first_created_at, s.first_place,
      CASE WHEN s.accepted THEN s.revision - 1 - s.joins::integer - s.ends_thread::integer END,
      s.ordinal, CASE WHEN s.type = 'SYSTEM' THEN 0 ELSE s.sent_count + s.sender_count END, s.label, s.thread_seq,
      CASE WHEN s.accepted AND s.mentions IS NOT NULL THEN chat.mentioned(s.chat_id, s.mentions) END,
      s.sender_rank, s.stood_at, s.is_private, s.joins, s.ends_thread,
      -- A sender who had read everything before their message has read that, too. seq - rank never falls in a sender's run, so the
      -- messages that continue the watermark are its beginning.
      CASE WHEN s.accepted AND s.seq = s.stood_at + s.sender_rank THEN
        CASE WHEN s.is_veiled THEN json_build_object('userId', s.sender_id, 'deliveredSeq', greatest(s.seq, CASE WHEN NOT s.is_new THEN s.delivered_seq END), 'readSeq', s.seq,
          'publicReadSeq', coalesce(CASE WHEN NOT s.is_new THEN coalesce(s.public_read_seq, CASE WHEN s.is_private THEN s.read_seq END) END, s.seq), 'hiddenFrom', chat.blocked_by(s.sender_id))
        ELSE json_build_object('userId', s.sender_id, 'deliveredSeq', greatest(s.seq, CASE WHEN NOT s.is_new THEN s.delivered_seq END), 'readSeq', s.seq) END
      END,
      CASE WHEN s.first_outcome IN ('SLOW_MODE', 'SILENCED') THEN coalesce(s.retry_after_ms, s.slow_mode_seconds * 1000) END)::chat.sending ORDER BY s.idx),
    array_agg(s.idx ORDER BY s.chat_id, s.sender_id) FILTER (WHERE s.joins),
    array_agg(s.idx ORDER BY s.chat_id, s.thread_seq) FILTER (WHERE s.ends_thread)
  INTO v_rows, v_joining, v_ending
  FROM settled s;

  IF v_joining IS NOT NULL THEN
    WITH joined AS (
      INSERT INTO chat.chat_participant AS p (chat_id, user_id, joined_at, join_revision, revision, inbox_revision, delivered_seq, read_seq, sent_count)
      SELECT g.chat_id, g.sender_id, v_now, g.join_revision, g.join_revision, 1, g.read_seq, g.read_seq, g.sender_ordinal FROM (
        SELECT r.chat_id, r.sender_id, max(r.previous_revision + 1) FILTER (WHERE r.joins) AS join_revision, max(r.sender_ordinal) AS sender_ordinal,
          min(r.stood_at) + count(*) FILTER (WHERE r.seq = r.stood_at + r.sender_rank)::integer AS read_seq
        FROM unnest(v_rows) r WHERE r.outcome = 'created' GROUP BY r.chat_id, r.sender_id) g
      WHERE g.join_revision IS NOT NULL
      ON CONFLICT (chat_id, user_id) DO UPDATE SET state = 'JOINED', role = 'MEMBER', joined_at = excluded.joined_at, join_revision = excluded.join_revision, revision = excluded.revision,
        delivered_seq = excluded.delivered_seq, read_seq = excluded.read_seq, public_read_seq = NULL, sent_count = excluded.sent_count
      RETURNING p.chat_id, p.user_id, chat.participant_json(p) AS participant
    )
    SELECT array_agg(j.participant ORDER BY j.chat_id, j.user_id) INTO v_joined FROM joined j;
  END IF;

  WITH senders AS (
    UPDATE chat.chat_participant p SET sent_count = g.sender_ordinal, read_seq = g.read_seq, delivered_seq = greatest(p.delivered_seq, g.read_seq),
      public_read_seq = CASE WHEN g.is_private AND g.read_seq > p.read_seq THEN coalesce(p.public_read_seq, p.read_seq) ELSE p.public_read_seq END
    FROM (
      SELECT r.chat_id, r.sender_id, max(r.sender_ordinal) AS sender_ordinal, bool_or(r.is_private) AS is_private,
        min(r.stood_at) + count(*) FILTER (WHERE r.seq = r.stood_at + r.sender_rank)::integer AS read_seq
      FROM unnest(v_rows) r WHERE r.outcome = 'created' AND r.sender_id IS NOT NULL GROUP BY r.chat_id, r.sender_id HAVING NOT bool_or(r.joins)) g
    WHERE p.chat_id = g.chat_id AND p.user_id = g.sender_id
  ),
  heads AS (
    UPDATE chat.chat_head h SET last_seq = g.last_seq, last_revision = g.last_revision, last_ordinal = g.last_ordinal,
      last_ordinal_seq = coalesce(g.last_ordinal_seq, h.last_ordinal_seq), last_message_at = g.last_message_at, member_count = h.member_count + g.joined
    FROM (
      SELECT r.chat_id, count(*) FILTER (WHERE r.joins)::integer AS joined, max(r.seq) AS last_seq, max(r.revision) AS last_revision, max(r.ordinal) AS last_ordinal,
        max(r.seq) FILTER (WHERE r.type <> 'SYSTEM') AS last_ordinal_seq, max(r.created_at) AS last_message_at
      FROM unnest(v_rows) r WHERE r.outcome = 'created' GROUP BY r.chat_id) g
    WHERE h.chat_id = g.chat_id
  ),
  said AS MATERIALIZED (
    SELECT r.*, i.content, i.metadata, i.system, i.reply_to_seq, i.forwarded_from, i.client_message_id, i.request_hash, i.search_keys
    FROM ROWS FROM (unnest(v_rows), jsonb_array_elements(p_items)) AS r (idx, outcome, chat_id, sender_id, type, seq, revision, created_at, place, previous_revision, ordinal, sender_ordinal,
      label, thread_seq, mentioned, sender_rank, stood_at, is_private, joins, ends_thread, watermark, retry_after_ms, item)
    CROSS JOIN LATERAL (SELECT r.item ->> 'content' AS content, coalesce(r.item -> 'metadata', '{}'::jsonb) AS metadata, r.item -> 'system' AS system, (r.item ->> 'replyToSeq')::integer AS reply_to_seq,
      r.item -> 'forwardedFrom' AS forwarded_from, r.item ->> 'clientMessageId' AS client_message_id, r.item ->> 'requestHash' AS request_hash, r.item ->> 'searchKeys' AS search_keys) i
    WHERE r.outcome = 'created'
  ),
  inserted AS (
    INSERT INTO chat.chat_message AS m (chat_id, seq, revision, ordinal, sender_ordinal, sender_id, sender_label, type, content, metadata, system,
      reply_to_seq, thread_root_seq, mentions, forwarded_from, attachments, client_message_id, request_hash, created_at)
    SELECT n.chat_id, n.seq, n.revision, n.ordinal, n.sender_ordinal, n.sender_id, n.label, n.type, n.content, n.metadata, n.system,
      n.reply_to_seq, n.thread_seq, n.mentioned, n.forwarded_from, v_files -> n.idx::text -> 'attachments', n.client_message_id, n.request_hash, n.created_at
    FROM said n ORDER BY n.place
    RETURNING m.chat_id, m.seq, chat.message_json(m) AS message
  ),
  searchable AS (
    INSERT INTO chat.message_search (chat_id, seq, revision, keys)
    SELECT n.chat_id, n.seq, n.revision, n.search_keys FROM said n WHERE chat.is_searchable(n.type, n.content) ORDER BY n.place
  )
  SELECT array_agg(i.message ORDER BY i.chat_id, i.seq) INTO v_messages FROM inserted i;

  IF v_files IS NOT NULL THEN
    UPDATE chat.attachment a SET seq = r.seq
    FROM unnest(v_rows) r CROSS JOIN LATERAL jsonb_array_elements(p_items -> (r.idx - 1) -> 'attachments') AS w (file)
    WHERE r.outcome = 'created' AND a.id = (w.file ->> 'id')::uuid AND NOT w.file ? 'from';
    INSERT INTO chat.attachment
    SELECT c.* FROM unnest(v_rows) r CROSS JOIN LATERAL jsonb_array_elements(p_items -> (r.idx - 1) -> 'attachments') AS w (file)
    JOIN chat.attachment a ON a.id = (w.file ->> 'from')::uuid
    CROSS JOIN LATERAL jsonb_populate_record(chat.attachment_copy(a, (w.file ->> 'id')::uuid, v_now),
      jsonb_build_object('chat_id', r.chat_id, 'seq', r.seq, 'uploader_id', r.sender_id)) c
    WHERE r.outcome = 'created';
  END IF;

  INSERT INTO chat.mention (chat_id, seq, n, user_id)
  SELECT r.chat_id, r.seq, row_number() OVER (PARTITION BY r.chat_id, r.seq), m.user_id
  FROM unnest(v_rows) r CROSS JOIN LATERAL (
    SELECT e.user_id FROM jsonb_array_elements_text(r.mentioned -> 'userIds') AS e (user_id) UNION ALL SELECT NULL WHERE (r.mentioned ->> 'all')::boolean) m
  WHERE r.mentioned IS NOT NULL;

  IF v_ending IS NOT NULL THEN
    WITH roots AS (
      UPDATE chat.chat_message m SET reply_count = m.reply_count + g.replies, last_reply_seq = g.last_reply_seq, revision = g.revision
      FROM (SELECT r.chat_id, r.thread_seq, count(*)::integer AS replies, max(r.seq) AS last_reply_seq, max(r.revision) FILTER (WHERE r.ends_thread) - 1 AS revision
            FROM unnest(v_rows) r WHERE r.outcome = 'created' AND r.thread_seq IS NOT NULL GROUP BY r.chat_id, r.thread_seq) g
      WHERE m.chat_id = g.chat_id AND m.seq = g.thread_seq
      RETURNING m.chat_id, m.seq, chat.message_json(m) AS message
    )
    SELECT array_agg(t.message ORDER BY t.chat_id, t.seq) INTO v_roots FROM roots t;
  END IF;

  IF EXISTS (SELECT FROM unnest(v_rows) r WHERE r.outcome = 'duplicate' AND r.place IS NULL) THEN
    SELECT array_agg(CASE WHEN r.outcome = 'duplicate' AND r.place IS NULL THEN (
      SELECT chat.message_json(m) FROM chat.chat_message m WHERE m.chat_id = r.chat_id AND m.seq >= r.seq ORDER BY m.seq LIMIT 1) END ORDER BY r.idx) INTO v_earlier FROM unnest(v_rows) r;
  END IF;

  IF p_notify THEN
    PERFORM pg_notify('parley', json_build_object('chatId', r.chat_id, 'revision', max(r.revision))::text) FROM unnest(v_rows) r WHERE r.outcome = 'created' GROUP BY r.chat_id;
  END IF;

  RETURN QUERY
  SELECT r.idx, s.status, CASE WHEN s.status = 'busy' THEN 'BUSY' WHEN s.status = 'rejected' THEN r.outcome END,
    CASE WHEN s.is_there THEN r.chat_id || '.' || r.seq END, r.chat_id, CASE WHEN s.is_there THEN r.seq END, CASE WHEN s.is_there THEN r.revision END, r.previous_revision,
    CASE WHEN s.is_there THEN r.created_at END, r.retry_after_ms, r.watermark,
    CASE WHEN r.joins THEN v_joined[array_position(v_joining, r.idx)] END,
    CASE WHEN r.ends_thread THEN v_roots[array_position(v_ending, r.idx)] END,
    CASE WHEN s.is_there THEN coalesce(v_messages[r.place], v_earlier[r.idx]) END
  FROM unnest(v_rows) r
  CROSS JOIN LATERAL (SELECT CASE WHEN r.outcome IN ('created', 'duplicate', 'busy') THEN r.outcome ELSE 'rejected' END AS status, r.outcome IN ('created', 'duplicate') AS is_there) s
  ORDER BY r.idx;
END $$;
