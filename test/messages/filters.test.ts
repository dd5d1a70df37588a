// History by type, sender, time and attachment; and the types that can be sent.
import t from 'tap'
import type { CommandResult, Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup, send, sendAny } from '../helpers/world.ts'

const parley = await startParley(t)
const sql = await connectSql(t, parley)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const page = (userId: string, chatId: string, query: string) => rest<CommandResult<'get_history'>>(userId, 'GET', `/sessions/${chatId}/messages?${query}`)
const seqs = async (userId: string, chatId: string, query: string) => {
  const { data, nextCursor } = await page(userId, chatId, query)
  return [data.map(({ seq }) => seq), nextCursor]
}

/** As an application may that sends by itself: attachments come later, their types are there. */
async function write (chatId: string, senderId: string, type: string): Promise<void> {
  await sql.rows('SELECT status FROM chat.send_messages($1::jsonb)', [JSON.stringify([{ chatId, senderId, type, content: type, clientMessageId: crypto.randomUUID(), requestHash: 'hash' }])])
}

/** By turns ann and ben: TEXT, IMAGE, ENCRYPTED, FILE, then a SYSTEM message; three times. Seqs 1 to 15. */
async function setup () {
  const chatId = await makeGroup(parley, 'ann', ['ben', 'cat'])
  for (let n = 0; n < 3; n++) {
    for (const [senderId, type] of [['ann', 'TEXT'], ['ben', 'IMAGE'], ['ann', 'ENCRYPTED'], ['ben', 'FILE']] as const) await write(chatId, senderId, type)
    if (n < 2) await rest('ann', 'POST', `/sessions/${chatId}/participants`, { userIds: [`user${n}`] })
  }
  return chatId
}

t.test('by type and attachment, in pages from both ends', async t => {
  const chatId = await setup()
  t.strictSame(await seqs('cat', chatId, 'type=IMAGE'), [[2, 7, 12], null])
  t.strictSame(await seqs('cat', chatId, 'type=TEXT&limit=2'), [[6, 11], '6'])
  t.strictSame(await seqs('cat', chatId, 'type=TEXT&limit=2&before=6'), [[1], null])
  t.strictSame(await seqs('cat', chatId, 'type=SYSTEM'), [[5, 10], null])
  t.strictSame(await seqs('cat', chatId, 'hasAttachment=true&limit=4'), [[7, 9, 12, 14], '7'])
  t.strictSame(await seqs('cat', chatId, 'hasAttachment=true&limit=4&before=7'), [[2, 4], null])
  t.strictSame(await seqs('cat', chatId, 'hasAttachment=true&limit=4&after=2'), [[4, 7, 9, 12], '12'])
  t.strictSame(await seqs('cat', chatId, 'hasAttachment=true&limit=4&around=9'), [[7, 9, 12, 14], '7'])
  t.strictSame(await seqs('cat', chatId, 'hasAttachment=false'), [[1, 3, 5, 6, 8, 10, 11, 13], null])
  t.strictSame(await seqs('cat', chatId, 'hasAttachment=true&type=FILE'), [[4, 9, 14], null])
  for (const contradiction of ['hasAttachment=true&type=TEXT', 'hasAttachment=false&type=FILE']) t.strictSame(await seqs('cat', chatId, contradiction), [[], null])
  for (const query of ['hasAttachment=1', 'type=PICTURE', 'type=']) await t.rejects(page('cat', chatId, query), { code: 'VALIDATION_FAILED' }, query)
})

t.test('by sender, and by sender and type', async t => {
  const chatId = await setup()
  t.strictSame(await seqs('cat', chatId, 'senderId=ben&limit=4'), [[7, 9, 12, 14], '7'])
  t.strictSame(await seqs('cat', chatId, 'senderId=ben&type=FILE&limit=2'), [[9, 14], '9'])
  t.strictSame(await seqs('cat', chatId, 'senderId=ann&hasAttachment=true'), [[], null])
  t.strictSame(await seqs('cat', chatId, 'senderId=ann&hasAttachment=false&after=3'), [[6, 8, 11, 13], null])
  t.strictSame(await seqs('cat', chatId, 'senderId=nobody'), [[], null])
})

t.test('by time: from it on, and before it', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  for (let n = 1; n <= 20; n++) await send(parley, 'ann', chatId, `${n}`)
  // Seq 1 at minute 1, and so on; 8, 9 and 10 at the same time.
  await sql.rows("UPDATE chat.chat_message SET created_at = '2026-01-01T00:00:00Z'::timestamptz + make_interval(mins => CASE WHEN seq IN (9, 10) THEN 8 ELSE seq END) WHERE chat_id = $1", [chatId])
  const at = (minute: number, second = 0) => new Date(Date.UTC(2026, 0, 1, 0, minute, second)).toISOString()
  const found = async (query: string) => (await seqs('ben', chatId, query))[0]
  const numbers = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n)
  for (let minute = 0; minute <= 21; minute++) {
    const first = minute === 9 || minute === 10 ? 11 : Math.max(minute, 1)
    t.strictSame(await found(`from=${at(minute)}`), numbers(first, 20), `from minute ${minute}`)
    t.strictSame(await found(`to=${at(minute)}`), numbers(1, first - 1), `to minute ${minute}`)
  }
  t.strictSame(await found(`from=${at(8, 1)}`), numbers(11, 20))
  t.strictSame(await found(`from=${at(3)}&to=${at(7)}`), [3, 4, 5, 6])
  t.strictSame(await seqs('ben', chatId, `from=${at(3)}&to=${at(8)}&limit=2`), [[6, 7], '6'])
  t.strictSame(await seqs('ben', chatId, `from=${at(3)}&to=${at(8)}&limit=9&before=6`), [[3, 4, 5], null])
  t.strictSame(await found(`from=${at(7)}&to=${at(3)}`), [])
  t.strictSame(await found('from=2026-01-01T05:04:00%2B05:00&to=2026-01-01T05:06:00%2B05:00'), [4, 5])
  await sql.rows('UPDATE chat.chat_head SET min_seq = 6 WHERE chat_id = $1', [chatId])
  await sql.rows('DELETE FROM chat.chat_message WHERE chat_id = $1 AND seq < 6', [chatId])
  t.strictSame([await found(`from=${at(3)}`), await found(`to=${at(7)}`), await found(`to=${at(3)}`)], [numbers(6, 20), [6], []], 'when retention has removed the oldest')
})

t.test('a filter shows nothing that is not shown without it', async t => {
  const chatId = await setup()
  const secret = (await sendAny(parley, 'ben', chatId, { content: 'secret', metadata: { secret: true }, mentions: { userIds: ['cat'] } })).message
  await rest('cat', 'PUT', '/blocks/ben')
  const all = new Map((await page('cat', chatId, '')).data.map(message => [message.id, message]))
  t.match(all.get(secret.id), { content: null, metadata: {}, mentions: { userIds: [] }, fromBlocked: true })
  await rest('cat', 'DELETE', `/messages/${chatId}.2?scope=me`)
  all.delete(`${chatId}.2`)
  await rest('ann', 'POST', `/sessions/${chatId}/participants`, { userIds: ['dan'] })
  await send(parley, 'ben', chatId, 'since')
  for (const query of ['senderId=ben', 'senderId=ben&type=IMAGE', 'type=IMAGE', 'hasAttachment=true', 'hasAttachment=false', 'from=2020-01-01T00:00:00Z', 'to=2099-01-01T00:00:00Z', 'senderId=ben&from=2020-01-01T00:00:00Z']) {
    const { data } = await page('cat', chatId, `${query}&before=16`)
    t.ok(data.length > 1, query)
    t.strictSame(data, data.map(({ id }) => all.get(id)), `${query}: what is shown anyway`)
    const later = (await page('dan', chatId, query)).data
    t.ok(later.every(({ seq }) => seq > 15), `${query}: nothing from before`)
  }
  await t.rejects(page('zoe', chatId, 'senderId=ben'), { code: 'CHAT_NOT_FOUND' })
})

t.test('what is filtered is not delivered by that', async t => {
  const chatId = await setup()
  for (const query of ['hasAttachment=false', 'type=TEXT', 'senderId=ann', 'from=2020-01-01T00:00:00Z']) await page('cat', chatId, query)
  t.match(await rest('cat', 'POST', `/sessions/${chatId}/delivered`, { upToSeq: 0 }), { deliveredSeq: 0 })
})

t.test('ENCRYPTED: whatever the content is, it comes back as it went in', async t => {
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  const content = `${'A+/='.repeat(2500)}`
  const { message } = await sendAny(parley, 'ann', chatId, { content, type: 'ENCRYPTED', metadata: { key: 1 } })
  t.match(message, { type: 'ENCRYPTED', content, metadata: { key: 1 }, mentions: { userIds: [], all: false } })
  t.match((await page('ben', chatId, 'type=ENCRYPTED')).data, [{ content }])
  const { message: edited } = await rest<{ message: Message }>('ann', 'PATCH', `/messages/${message.id}`, { content: '@ben B64==' })
  t.match(edited, { type: 'ENCRYPTED', content: '@ben B64==', mentions: { userIds: [] } })
  t.match(await rest('ann', 'POST', `/messages/${message.id}/forward`, { chatIds: [chatId] }), { messages: [{ type: 'ENCRYPTED', content: '@ben B64==' }] })
  t.match(await rest('ben', 'GET', `/sessions/${chatId}/unread`), { unreadCount: 2, mentionCount: 0 })
  await t.rejects(sendAny(parley, 'ann', chatId, { content: `${content}x`, type: 'ENCRYPTED' }), { code: 'VALIDATION_FAILED' })
  await t.rejects(sendAny(parley, 'ann', chatId, { content, clientMessageId: 'a' }).then(() => sendAny(parley, 'ann', chatId, { content, type: 'ENCRYPTED', clientMessageId: 'a' })), { code: 'MESSAGE_ID_CONFLICT' })
})

t.test('types that need attachments, or the server, are refused', async t => {
  const chatId = await makeGroup(parley, 'ann')
  for (const type of ['IMAGE', 'VIDEO', 'AUDIO', 'VOICE', 'FILE', 'SYSTEM', 'TEXT ', '']) {
    await t.rejects(sendAny(parley, 'ann', chatId, { content: 'x', type }), { code: 'VALIDATION_FAILED', message: /type/ }, type)
    await t.rejects(rest('ann', 'POST', '/messages', { targetUserId: 'ben', content: 'x', type }), { code: 'VALIDATION_FAILED' }, type)
  }
  t.strictSame((await rest<{ data: unknown[] }>('ben', 'GET', '/sessions?type=DIRECT')).data, [], 'nothing was made for them')
})

t.end()
