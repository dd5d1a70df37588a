// Chats with a history, put into the tables by a few statements: sending it would take an hour.
import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import type { Stage } from './stage.ts'

export interface BigChat { chatId: string, members: string[], messages: number }

/** Of five messages one is SYSTEM; the members write the others by turns; of twenty one is deleted. `s` is the seq. */
const SYSTEM = 's % 5 = 0'
const DELETED = 's % 20 = 1'
const ORDINAL = '(s - s / 5)'
/** Groups of these members, who have all read everything, each with so many messages. Call `settle` after the last ones. */
export async function loadChats (stage: Stage, membersOf: string[][], messages: number): Promise<BigChat[]> {
  const chats = membersOf.map(members => ({ chatId: uuidv7(), members, messages }))
  const given = JSON.stringify(chats.map(({ chatId, members }) => ({ id: chatId, members })))
  const client = await patient(stage)
  const run = (text: string) => client.query(`WITH chat AS (SELECT c.id, c.members, cardinality(c.members) AS size, $2::integer AS last FROM jsonb_to_recordset($1) AS c (id uuid, members text[])) ${text}`, [given, messages])
  try {
    await client.query('SET session_replication_role = replica') // the rows are right: nothing has to be looked up for them
    await run('INSERT INTO chat.chat_user (id, display_name) SELECT DISTINCT u, u FROM chat, unnest(members) u ON CONFLICT DO NOTHING')
    await run('INSERT INTO chat.user_inbox (user_id, inbox_revision) SELECT DISTINCT u, 1 FROM chat, unnest(members) u ON CONFLICT DO NOTHING')
    await run("INSERT INTO chat.chat_session (id, type, name, created_by_id) SELECT id, 'GROUP', 'a group', members[1] FROM chat")
    await run(`INSERT INTO chat.chat_participant (chat_id, user_id, join_revision, revision, inbox_revision, read_seq, delivered_seq, sent_count)
      SELECT id, u, 1, 1, 1, last, last, (last - last / 5 - n + size) / size FROM chat, unnest(members) WITH ORDINALITY AS m (u, n)`)
    await run(`INSERT INTO chat.chat_message (chat_id, seq, revision, ordinal, sender_ordinal, sender_id, type, content, system, client_message_id, request_hash, created_at, deleted_at, deleted_by_id)
      SELECT id, s, s + 1, ${ORDINAL}, CASE WHEN ${SYSTEM} THEN 0 ELSE (${ORDINAL} - 1) / size + 1 END, sender,
        (CASE WHEN ${SYSTEM} THEN 'SYSTEM' ELSE 'TEXT' END)::chat.message_type, CASE WHEN NOT (${SYSTEM}) AND NOT (${DELETED}) THEN repeat('so it goes ', 2 + s % 12) || s END,
        CASE WHEN ${SYSTEM} THEN '{"kind": "noted", "actorId": null, "targetIds": [], "data": {}}'::jsonb END, s, s, now() - (last - s) * interval '1 second',
        CASE WHEN ${DELETED} THEN now() END, CASE WHEN ${DELETED} THEN sender END
      FROM chat CROSS JOIN LATERAL generate_series(1, last) AS s
      CROSS JOIN LATERAL (SELECT CASE WHEN NOT (${SYSTEM}) THEN members[(${ORDINAL} - 1) % size + 1] END AS sender) w`)
    await run(`INSERT INTO chat.deletion_count (chat_id, sender_id, level, block, count)
      SELECT m.chat_id, w.id, l.level, chat.block_of(m.seq, l.level), count(*)
      FROM chat JOIN chat.chat_message m ON m.chat_id = chat.id CROSS JOIN LATERAL unnest(ARRAY['', m.sender_id]) AS w (id) CROSS JOIN generate_series(0, 3) AS l (level)
      WHERE m.deleted_at IS NOT NULL GROUP BY 1, 2, 3, 4`)
    await run(`INSERT INTO chat.chat_head (chat_id, last_seq, last_revision, last_ordinal, last_ordinal_seq, member_count, last_message_at)
      SELECT id, last, last + 1, last - last / 5, CASE WHEN last % 5 = 0 THEN last - 1 ELSE last END, size, now() FROM chat`)
  } finally {
    await client.end()
  }
  return chats
}

/** What autovacuum would have done long ago in chats that have grown by and by. */
export async function settle (stage: Stage): Promise<void> {
  const client = await patient(stage)
  await client.query('VACUUM ANALYZE')
  await client.query('CHECKPOINT')
  await client.end()
}

/** A connection on which a statement may take its time: Parley's own do not wait so long. */
async function patient ({ databaseUrl }: Stage): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  return client
}
