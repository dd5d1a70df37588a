import { EncodedJson } from '../json.ts'
import type { Queryable } from '../plugins/database.ts'
import { fold } from '../search/text.ts'
import type { MessageKey } from './message-id.ts'
import type { NewMentions } from './schemas.ts'

export interface SendItem {
  chatId: string
  senderId: string | null
  type?: string
  content?: string
  metadata?: object
  system?: object
  replyToSeq?: number
  /** A message of the thread; the answer goes to its top. */
  threadRootSeq?: number
  /** Who is not in the chat is left out. */
  mentions?: { userIds: string[], all: boolean }
  /** Whose message it was, and of when. */
  forwardedFrom?: object
  /** Uploads of the sender's; with `from`, new ones that share the bytes of those. Without a type the message has theirs. */
  attachments?: { id: string, from?: string }[]
  clientMessageId: string
  /** Of the request as it was first made: the same key with another request is a conflict. */
  requestHash: string
}

export interface SendOutcome {
  status: 'created' | 'duplicate' | 'rejected' | 'busy'
  code: string | null
  chatId: string
  seq: number
  revision: number
  previousRevision: number
  retryAfterMs: number | null
  senderId: string | null
  /** JSON of a Watermark, when the sender's own has moved along. */
  watermark: string | null
  /** JSON of the Participant that the sender has become by speaking. */
  participant: string | null
  /** JSON of the Message at the top of the thread, which has changed along. */
  threadRoot: string | null
  /** JSON of the Message. */
  message: string
}

/** One outcome an item, in their order. */
export async function sendMessages (db: Queryable, items: SendItem[], { wait }: { wait: boolean }): Promise<SendOutcome[]> {
  const rows = await db.query<Omit<SendOutcome, 'senderId'>>({
    name: 'messages.sendMessages',
    text: `SELECT s.status, s.code, s.chat_id AS "chatId", s.seq, s.revision, s.previous_revision AS "previousRevision",
             s.retry_after_ms AS "retryAfterMs", s.watermark::text, s.participant::text, s.thread_root::text AS "threadRoot", s.message::text
           FROM chat.send_messages($1::jsonb, $2, false) s`,
  }, [JSON.stringify(items.map(withSearchKeys)), wait])
  return rows.map((row, index) => ({ ...row, senderId: items[index]?.senderId ?? null }))
}

/** So that it can be found from the moment at which it is there. */
function withSearchKeys (item: SendItem): object {
  return item.content === undefined || item.type === 'ENCRYPTED' ? item : { ...item, searchKeys: fold(item.content) }
}

/** One message as the viewer may see it, with what it quotes; undefined: there is none. */
export async function getMessage (db: Queryable, { chatId, seq }: MessageKey, userId: string): Promise<EncodedJson | undefined> {
  const [row] = await db.query<{ view: string }>({
    name: 'messages.getMessage',
    text: `SELECT json_build_object('message', chat.message_json_for(m, v.blocked),
             'related', chat.related_json($1, ARRAY[m.reply_to_seq, m.thread_root_seq], $3, v.bound, v.blocked), 'users', chat.users_json(ARRAY[m.sender_id]))::text AS view
           FROM chat.viewer($1, $3) v JOIN chat.chat_message m ON m.chat_id = $1 AND m.seq = $2
           WHERE m.seq > v.bound AND NOT chat.is_hidden($1, $2, $3)`,
  }, [chatId, seq, userId])
  return row && new EncodedJson(row.view)
}

export interface MessageState {
  message: string
  senderId: string | null
  deleted: boolean
  pinned: boolean
  hasFiles: boolean
  hidden: boolean
  /** false: the viewer only looks at a STREAM. */
  isMember: boolean
  /** The viewer blocks the sender: `message` is the redacted form. */
  redacted: boolean
  editable: boolean
  unchanged: boolean
  /** Mentions everybody. */
  mentionsAll: boolean
  /** Of the thread that it is in, if the message at its top is still there. */
  threadRootSeq: number | null
  chatType: string
  /** The viewer may not speak in the chat now. */
  silenced: boolean
  /** One of the viewer and the sender (in a DIRECT chat: of the two) has blocked the other. */
  blocked: boolean
  /** The chat is a request that has not been accepted. */
  unanswered: boolean
}

/** A message within the viewer's bound, as far as rights go. Call it under the chat's lock when something is to follow from it. */
export async function messageState (
  db: Queryable, { chatId, seq }: MessageKey, userId: string, { content, mentions, editWindowSeconds }: { content?: string, mentions?: NewMentions, editWindowSeconds?: number } = {}
): Promise<MessageState | undefined> {
  const [row] = await db.query<MessageState>({
    name: 'messages.messageState',
    text: `SELECT chat.message_json_for(m, v.blocked)::text AS message, m.sender_id AS "senderId", m.deleted_at IS NOT NULL AS deleted, m.pinned_at IS NOT NULL AS pinned, m.attachments IS NOT NULL AS "hasFiles",
             chat.is_hidden($1, $2, $3) AS hidden, (v.p).state = 'JOINED' AS "isMember", coalesce(m.sender_id = ANY (v.blocked), false) AS redacted, m.created_at + make_interval(secs => $4) > clock_timestamp() AS editable,
             m.content IS NOT DISTINCT FROM $5::text AND ($6::jsonb IS NULL OR chat.mentioned($1, $6) IS NOT DISTINCT FROM m.mentions) AS unchanged,
             coalesce((m.mentions ->> 'all')::boolean, false) AS "mentionsAll", (v.c).type AS "chatType",
             (SELECT r.seq FROM chat.chat_message r WHERE r.chat_id = $1 AND r.seq = m.thread_root_seq) AS "threadRootSeq",
             coalesce((v.p).silenced_until > clock_timestamp(), false) AS silenced,
             EXISTS (
               SELECT FROM chat.user_block b
               WHERE (b.user_id, b.blocked_user_id) IN (((v.c).direct_low, (v.c).direct_high), ((v.c).direct_high, (v.c).direct_low), ($3, m.sender_id), (m.sender_id, $3))) AS blocked,
             coalesce((v.c).request_status IN ('PENDING', 'REJECTED'), false) AS unanswered
           FROM chat.viewer($1, $3) v JOIN chat.chat_message m ON m.chat_id = $1 AND m.seq = $2
           WHERE m.seq > v.bound`,
  }, [chatId, seq, userId, editWindowSeconds ?? 0, content ?? null, mentions ? JSON.stringify(mentions) : null])
  return row
}

/** What the message said until now goes to its versions. */
const keepVersion = `
  INSERT INTO chat.message_version (chat_id, seq, version, content, metadata, mentions, forwarded_from, replaced_at)
  SELECT m.chat_id, m.seq, 1 + coalesce((SELECT max(x.version) FROM chat.message_version x WHERE x.chat_id = m.chat_id AND x.seq = m.seq), 0),
    m.content, m.metadata, m.mentions, m.forwarded_from, clock_timestamp()
  FROM chat.chat_message m WHERE m.chat_id = $1 AND m.seq = $2`

/** Without mentions those that are there stay. @returns the JSON of the message */
export async function updateContent (db: Queryable, { chatId, seq }: MessageKey, revision: number, content: string, mentions?: NewMentions): Promise<string> {
  const [row] = await db.query<{ message: string }>({
    name: 'messages.updateContent',
    text: `WITH kept AS (${keepVersion}), unmentioned AS (DELETE FROM chat.mention x WHERE x.chat_id = $1 AND x.seq = $2 AND $5::jsonb IS NOT NULL)
           UPDATE chat.chat_message AS m SET content = $4, edited_at = clock_timestamp(), revision = $3,
             mentions = CASE WHEN $5::jsonb IS NULL THEN m.mentions ELSE chat.mentioned($1, $5) END
           WHERE m.chat_id = $1 AND m.seq = $2 RETURNING chat.message_json(m)::text AS message`,
  }, [chatId, seq, revision, content, mentions ? JSON.stringify(mentions) : null])
  if (mentions) await insertMentions(db, { chatId, seq })
  return one(row).message
}

/** The rows by which mentions are counted, of what the message says now. There are none of it. */
export async function insertMentions (db: Queryable, { chatId, seq }: MessageKey): Promise<void> {
  await db.query({
    name: 'messages.insertMentions',
    text: `INSERT INTO chat.mention (chat_id, seq, n, user_id)
           SELECT m.chat_id, m.seq, row_number() OVER (), e.user_id
           FROM chat.chat_message m CROSS JOIN LATERAL (
             SELECT u.user_id FROM jsonb_array_elements_text(m.mentions -> 'userIds') AS u (user_id) UNION ALL SELECT NULL WHERE (m.mentions ->> 'all')::boolean) e
           WHERE m.chat_id = $1 AND m.seq = $2`,
  }, [chatId, seq])
}

/** Blanks the row: its numbers stay, what it said goes to the versions, its files go for good. @returns the JSON of the message */
export async function blankMessage (db: Queryable, { chatId, seq }: MessageKey, revision: number, deletedById: string | null): Promise<string> {
  const [row] = await db.query<{ message: string }>({
    name: 'messages.blankMessage',
    text: `WITH kept AS (${keepVersion}), unreacted AS (DELETE FROM chat.message_reaction r WHERE r.chat_id = $1 AND r.seq = $2),
             unmentioned AS (DELETE FROM chat.mention x WHERE x.chat_id = $1 AND x.seq = $2),
             unattached AS (DELETE FROM chat.attachment a WHERE a.chat_id = $1 AND a.seq = $2)
           UPDATE chat.chat_message AS m SET content = NULL, metadata = '{}', mentions = NULL, reactions = NULL, forwarded_from = NULL, attachments = NULL,
             pinned_at = NULL, pinned_by_id = NULL, deleted_at = clock_timestamp(), deleted_by_id = $4, revision = $3
           WHERE m.chat_id = $1 AND m.seq = $2 RETURNING chat.message_json(m)::text AS message`,
  }, [chatId, seq, revision, deletedById])
  return one(row).message
}

/** @returns whether the message is still there: retention may be removing it, since hiding does not take the lock of the chat */
export async function hideMessage (db: Queryable, { chatId, seq }: MessageKey, userId: string, inboxRevision: number): Promise<boolean> {
  const rows = await db.query({
    name: 'messages.hideMessage',
    text: `WITH there AS MATERIALIZED (SELECT m.chat_id, m.seq FROM chat.chat_message m WHERE m.chat_id = $1 AND m.seq = $3 FOR KEY SHARE),
             hidden AS (INSERT INTO chat.message_hidden (chat_id, user_id, seq, inbox_revision) SELECT t.chat_id, $2, t.seq, $4 FROM there t ON CONFLICT DO NOTHING)
           SELECT FROM there`,
  }, [chatId, userId, seq, inboxRevision])
  return rows.length > 0
}

function one<Row> (row: Row | undefined): Row {
  if (!row) throw new Error('A row that is locked has disappeared')
  return row
}
