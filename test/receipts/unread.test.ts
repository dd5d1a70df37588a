import t, { type Test } from 'tap'
import { request } from '../helpers/live.ts'
import { startParley, type Parley } from '../helpers/parley.ts'
import { Chaos, chooseSeed, seeded } from '../helpers/random-operations.ts'

interface Count { userId: string, chatId: string, unread: number, mentions: number, quiet: boolean, isStream: boolean }
interface Counted { chatId: string, unreadCount: number, mentionCount: number }
interface Unread { totalUnread: number, totalMentions: number, chats: Counted[] }

const OPERATIONS = Number(process.env.TEST_OPERATIONS ?? 5_000)
const ROUNDS = 20

/** The definition, message by message. Shares nothing with the functions (and rows) that it is compared with. */
const NAIVE = `
  SELECT member.user_id AS "userId", member.chat_id AS "chatId", session.type = 'STREAM' AS "isStream", counted.unread, counted.mentions,
    (member.muted_until IS NOT NULL AND member.muted_until > now())
      OR (member.archived_seq IS NOT NULL AND NOT EXISTS (
        SELECT FROM chat.chat_message message
        WHERE message.chat_id = member.chat_id AND message.type <> 'SYSTEM' AND message.seq > member.archived_seq)) AS quiet
  FROM chat.chat_participant member
  JOIN chat.chat_head head ON head.chat_id = member.chat_id
  JOIN chat.chat_session session ON session.id = member.chat_id
  CROSS JOIN LATERAL (
     SELECT count(*)::integer AS unread,
       count(*) FILTER (WHERE message.mentions -> 'userIds' @> to_jsonb(member.user_id) OR message.mentions ->> 'all' = 'true')::integer AS mentions
     FROM chat.chat_message message
     WHERE message.chat_id = member.chat_id
       AND message.seq > member.read_seq
       AND message.seq >= member.visible_from_seq AND message.seq > member.cleared_seq AND message.seq >= head.min_seq
       AND message.type <> 'SYSTEM'
       AND message.sender_id <> member.user_id
       AND message.deleted_at IS NULL
       AND (message.seq) NOT IN (SELECT seq FROM chat.message_hidden hidden WHERE hidden.chat_id = member.chat_id AND hidden.user_id = member.user_id)
       AND message.sender_id NOT IN (SELECT blocked_user_id FROM chat.user_block block WHERE block.user_id = member.user_id)) counted
  WHERE member.state = 'JOINED' AND session.deleted_at IS NULL
  ORDER BY member.chat_id, member.user_id`

/** Every count that the server gives, against the naive ones. @returns how many of these are not 0 */
async function sameAsNaive (t: Test, parley: Parley, name: string): Promise<{ unread: number, mentions: number }> {
  const { rows: naive } = await parley.app.db.pool.query<Count>(NAIVE)
  const users = [...new Set(naive.map(({ userId }) => userId))]
  const answers = await Promise.all(users.map(async userId => {
    const mine = naive.filter(row => row.userId === userId)
    const followed = mine.filter(({ isStream }) => !isStream) // no list and no total names the streams that somebody has spoken in
    const { heads } = await request<{ heads: Counted[] }>(parley, userId, 'POST', '/sync', {})
    const all = await request<Unread>(parley, userId, 'GET', '/unread')
    const each = await Promise.all(mine.map(({ chatId }) => request<Counted>(parley, userId, 'GET', `/sessions/${chatId}/unread`)))
    const marked = await Promise.all(mine.map(({ chatId }) => request<Counted>(parley, userId, 'POST', `/sessions/${chatId}/delivered`, { upToSeq: 0 })))
    const wanted = counts(mine)
    const total = (of: 'unread' | 'mentions') => followed.reduce((sum, { quiet, [of]: count }) => quiet ? sum : sum + count, 0)
    return {
      found: { heads: counts(heads), each: counts(each), marked: counts(marked), all: counts(all.chats), total: [all.totalUnread, all.totalMentions] },
      wanted: { heads: counts(followed), each: wanted, marked: wanted, all: counts(followed.filter(({ unread }) => unread > 0)), total: [total('unread'), total('mentions')] },
    }
  }))
  t.strictSame(answers.map(({ found }) => found), answers.map(({ wanted }) => wanted), name)
  return { unread: naive.filter(({ unread }) => unread > 0).length, mentions: naive.filter(({ mentions }) => mentions > 0).length }
}

function counts (rows: (Count | Counted)[]): Record<string, [unread: number, mentions: number]> {
  return Object.fromEntries(rows.map(row => [row.chatId, 'unread' in row ? [row.unread, row.mentions] : [row.unreadCount, row.mentionCount]]))
}

t.test('unread counts are those of a naive count over the rows, through random operations', async t => {
  const parley = await startParley(t)
  const chaos = new Chaos(parley, seeded(chooseSeed(t)))
  await chaos.setup()
  const compared = { unread: 0, mentions: 0 }
  for (let round = 1; round <= ROUNDS; round++) {
    await chaos.run(OPERATIONS / ROUNDS)
    const { unread, mentions } = await sameAsNaive(t, parley, `after ${chaos.total} operations`)
    compared.unread += unread
    compared.mentions += mentions
  }
  t.same(chaos.faults, [])
  t.ok(compared.unread > 100 && compared.mentions > 50, `${JSON.stringify(compared)} counts were not 0`)
  const { rows: [met] } = await parley.app.db.pool.query(`
    SELECT (SELECT count(*)::integer FROM chat.message_hidden) AS hidden, (SELECT count(*)::integer FROM chat.chat_message WHERE deleted_at IS NOT NULL) AS deleted,
      (SELECT count(*)::integer FROM chat.chat_message WHERE type = 'SYSTEM') AS system, (SELECT count(*)::integer FROM chat.chat_participant WHERE cleared_seq > 0) AS cleared,
      (SELECT count(*)::integer FROM chat.message_reaction) AS reactions, (SELECT count(*)::integer FROM chat.chat_message WHERE forwarded_from IS NOT NULL) AS forwarded,
      (SELECT count(*)::integer FROM chat.chat_message WHERE thread_root_seq IS NOT NULL) AS replies, (SELECT count(*)::integer FROM chat.mention WHERE user_id IS NULL) AS "everybody",
      (SELECT count(*)::integer FROM chat.message_version WHERE mentions IS NOT NULL) AS "mentions that are gone",
      (SELECT count(*)::integer FROM chat.chat_head WHERE min_seq > 1) AS forgotten, (SELECT count(*)::integer FROM chat.chat_participant WHERE public_read_seq IS NOT NULL) AS "read privately",
      (SELECT count(*)::integer FROM chat.chat_participant WHERE muted_until > now() OR archived_seq IS NOT NULL) AS settings`)
  for (const [what, number] of Object.entries(met)) t.ok(Number(number) > 0, `${what}: ${number}`)
})

t.test('what counts', async t => {
  const parley = await startParley(t)
  const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
  let groups = 0

  /** ben reads what ann (and cat) write. */
  async function setup () {
    const [ann, ben, cat] = ['ann', 'ben', 'cat'].map(name => `${name}${++groups}`) as [string, string, string]
    const { chat: { id } } = await rest<{ chat: { id: string } }>(ann, 'POST', '/sessions', { type: 'GROUP', name: 'Group', participantIds: [ben, cat] })
    const send = async (userId: string) => (await rest<{ message: { id: string, seq: number } }>(userId, 'POST', `/sessions/${id}/messages`, { content: 'text' })).message
    const unread = async (userId = ben) => (await rest<{ unreadCount: number }>(userId, 'GET', `/sessions/${id}/unread`)).unreadCount
    const total = async () => (await rest<Unread>(ben, 'GET', '/unread')).totalUnread
    return { ann, ben, cat, id, send, unread, total }
  }

  t.test('messages of others, until they are read', async t => {
    const { ann, ben, id, send, unread, total } = await setup()
    for (let n = 0; n < 5; n++) await send(ann)
    t.equal(await unread(), 5)
    t.equal(await total(), 5)
    t.match(await rest(ben, 'POST', `/sessions/${id}/read`, { upToSeq: 3 }), { readSeq: 3, unreadCount: 2, updated: true })
    t.match(await rest(ben, 'POST', `/sessions/${id}/read`, { upToSeq: 1 }), { readSeq: 3, unreadCount: 2, updated: false })
    t.match(await rest(ben, 'POST', `/sessions/${id}/read`, {}), { readSeq: 5, unreadCount: 0 })
    t.equal(await unread(), 0)
  })

  t.test('not my own, also between others', async t => {
    const { ann, ben, send, unread } = await setup()
    for (const userId of [ann, ben, ann, ben, ben, ann]) await send(userId)
    t.equal(await unread(), 3)
    t.equal(await unread(ann), 3)
  })

  t.test('not the deleted nor the hidden, and both together once', async t => {
    const { ann, ben, send, unread } = await setup()
    const [first, second, third] = [await send(ann), await send(ann), await send(ann)]
    await rest(ann, 'DELETE', `/messages/${first.id}?scope=everyone`)
    t.equal(await unread(), 2)
    await rest(ben, 'DELETE', `/messages/${second.id}?scope=me`)
    t.equal(await unread(), 1)
    await rest(ann, 'DELETE', `/messages/${second.id}?scope=everyone`)
    t.equal(await unread(), 1)
    t.ok(third)
  })

  t.test('not SYSTEM messages', async t => {
    const { ann, cat, id, send, unread } = await setup()
    await rest(ann, 'DELETE', `/sessions/${id}/participants/${cat}`)
    await send(ann)
    await rest(ann, 'POST', `/sessions/${id}/participants`, { userIds: [cat] })
    t.equal(await unread(), 1)
  })

  t.test('not those of somebody whom I block, until I unblock them', async t => {
    const { ann, ben, cat, send, unread } = await setup()
    for (const userId of [ann, cat, ann, cat]) await send(userId)
    await rest(ben, 'PUT', `/blocks/${cat}`)
    t.equal(await unread(), 2)
    await send(cat)
    t.equal(await unread(), 2)
    await rest(ben, 'DELETE', `/blocks/${cat}`)
    t.equal(await unread(), 5)
  })

  t.test('not what is out of my sight', async t => {
    const { ann, ben, cat, id, send, unread } = await setup()
    await send(ann)
    await rest(ben, 'POST', `/sessions/${id}/clear`)
    t.equal(await unread(), 0)
    await send(ann)
    t.equal(await unread(), 1)
    await rest(ann, 'DELETE', `/sessions/${id}/participants/${cat}`)
    await send(ann)
    await rest(ann, 'POST', `/sessions/${id}/participants`, { userIds: [cat] })
    await send(ann)
    t.equal(await unread(cat), 1)
    await parley.app.db.pool.query('UPDATE chat.chat_head SET min_seq = last_seq WHERE chat_id = $1', [id])
    t.equal(await unread(ben), 1)
    await sameAsNaive(t, parley, 'the naive count says so, too')
  })

  t.test('in the total: not in muted chats', async t => {
    const { ann, ben, id, send, unread, total } = await setup()
    await send(ann)
    await rest(ben, 'PATCH', `/sessions/${id}/me`, { mutedUntil: '2099-01-01T00:00:00.000Z' })
    t.equal(await unread(), 1)
    t.equal(await total(), 0)
    await rest(ben, 'PATCH', `/sessions/${id}/me`, { mutedUntil: '2000-01-01T00:00:00.000Z' })
    t.equal(await total(), 1, 'until then')
    await sameAsNaive(t, parley, 'the naive count says so, too')
  })

  t.test('again in a chat that I had deleted for me, when something comes', async t => {
    const { ann, ben, total } = await setup()
    const { message: { chatId } } = await rest<{ message: { chatId: string } }>(ann, 'POST', '/messages', { targetUserId: ben, content: 'one' })
    t.equal(await total(), 1)
    await rest(ben, 'DELETE', `/sessions/${chatId}`)
    t.equal(await total(), 0)
    await rest(ann, 'POST', '/messages', { targetUserId: ben, content: 'two' })
    t.equal(await total(), 1)
  })

  t.test('nothing in chats that I am not in', async t => {
    const { ann, ben, id, send, total } = await setup()
    await send(ann)
    await rest(ann, 'DELETE', `/sessions/${id}/participants/${ben}`)
    t.equal(await total(), 0)
    await t.rejects(rest(ben, 'GET', `/sessions/${id}/unread`), { code: 'CHAT_NOT_FOUND' })
  })
})
