// What must hold in the database, whatever has happened.
import type { Test } from 'tap'
import type pg from 'pg'
import type { Message } from '../../../src/contract.ts'
import type { Acknowledged, History } from './history.ts'

interface Row { id: string, sender_id: string, client_message_id: string, message: Message }

/** Everything that was acknowledged is there, once, as it was acknowledged (or as it was changed later). */
export async function checkAcknowledged (t: Test, sql: pg.Client, history: History): Promise<void> {
  const { rows } = await sql.query<Row>("SELECT m.chat_id || '.' || m.seq AS id, m.sender_id, m.client_message_id, chat.message_json(m) AS message FROM chat.chat_message m WHERE m.type = 'TEXT'")
  const byId = new Map(rows.map(row => [row.id, row.message]))
  const byKey = Map.groupBy(rows, row => row.client_message_id)
  const faults: string[] = []

  for (const { clientMessageId, message } of history.acknowledged) {
    if (clientMessageId === undefined) continue
    const found = byKey.get(clientMessageId) ?? []
    if (found.length !== 1 || found[0]?.message.seq !== message.seq) faults.push(`${clientMessageId} was acknowledged as ${message.id}, and is ${found.map(({ id }) => id).join(', ') || 'nowhere'}`)
  }
  for (const [id, answers] of Map.groupBy(history.acknowledged, ({ message }) => message.id)) {
    const newest = answers.reduce((newest, answer) => answer.message.revision > newest.message.revision ? answer : newest)
    const fault = differs(newest, byId.get(id), history.uncertain.has(id))
    if (fault) faults.push(fault)
  }
  for (const [content, same] of Map.groupBy(rows.filter(({ message }) => message.content !== null), ({ message }) => message.content)) {
    if (same.length > 1) faults.push(`"${content}" is there ${same.length} times`)
  }
  t.strictSame(faults, [], `${history.acknowledged.length} answers about ${byId.size} messages hold`)
}

/** The newest answer about a message is what the message is: nothing else has happened to it, as far as anybody knows. */
function differs ({ kind, userId, message: told }: Acknowledged, now: Message | undefined, isUncertain: boolean): string | undefined {
  const what = `${kind} of ${told.id} by ${userId}, acknowledged with revision ${told.revision}`
  if (!now) return `${what}: the message is not there`
  if (now.revision < told.revision) return `${what}: the message is at ${now.revision}`
  if (now.revision > told.revision) return isUncertain ? undefined : `${what}: something that nobody has asked for has brought it to ${now.revision}`
  const same = ({ content, deletedAt, editedAt, reactions }: Message) => JSON.stringify([content, deletedAt, editedAt, reactions.map(({ emoji, count }) => [emoji, count])])
  return same(now) === same(told) ? undefined : `${what}: told ${same(told)}, is ${same(now)}`
}

/** Numbers have no hole, go with time, and agree with the counters. */
export async function checkNumbers (t: Test, sql: pg.Client): Promise<void> {
  const { rows: [{ messages }] } = await sql.query('SELECT count(*)::integer AS messages FROM chat.chat_message')
  const none = async (what: string, text: string) => t.strictSame((await sql.query(text)).rows, [], what)
  await none(`no hole in the seqs of ${messages} messages`, `
    SELECT h.chat_id, h.last_seq, count(m.seq), min(m.seq), max(m.seq) FROM chat.chat_head h LEFT JOIN chat.chat_message m ON m.chat_id = h.chat_id
    GROUP BY h.chat_id, h.last_seq HAVING count(m.seq) <> h.last_seq OR coalesce(max(m.seq), 0) <> h.last_seq OR coalesce(min(m.seq), 1) <> 1`)
  await none('no revision above its head, and none twice', `
    SELECT r.chat_id, r.revision FROM (
      SELECT m.chat_id, m.revision FROM chat.chat_message m UNION ALL SELECT p.chat_id, p.revision FROM chat.chat_participant p UNION ALL SELECT c.id, c.revision FROM chat.chat_session c) r
    JOIN chat.chat_head h ON h.chat_id = r.chat_id GROUP BY r.chat_id, r.revision, h.last_revision HAVING count(*) > 1 OR r.revision > h.last_revision`)
  await none('time goes with the seqs', `
    SELECT m.chat_id, m.seq FROM (SELECT m.chat_id, m.seq, m.created_at, lag(m.created_at) OVER (PARTITION BY m.chat_id ORDER BY m.seq) AS before FROM chat.chat_message m) m WHERE m.created_at < m.before`)
  await none('counters of members and senders', `
    SELECT h.chat_id FROM chat.chat_head h WHERE h.member_count <> (SELECT count(*) FROM chat.chat_participant p WHERE p.chat_id = h.chat_id AND p.state = 'JOINED')
      OR h.last_ordinal <> (SELECT count(*) FROM chat.chat_message m WHERE m.chat_id = h.chat_id AND m.type <> 'SYSTEM')
      OR EXISTS (SELECT FROM chat.chat_participant p WHERE p.chat_id = h.chat_id AND p.sent_count <> (SELECT count(*) FROM chat.chat_message m WHERE m.chat_id = h.chat_id AND m.sender_id = p.user_id AND m.type <> 'SYSTEM'))`)
}
