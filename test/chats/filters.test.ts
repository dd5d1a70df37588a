// The list of my chats by their labels and names; what a user has had; and that neither reads what is not theirs.
import t from 'tap'
import { listChats, listUserChats } from '../../src/chats/list-queries.ts'
import type { ChatView, CommandResult } from '../../src/contract.ts'
import type { Queryable } from '../../src/plugins/database.ts'
import { request } from '../helpers/live.ts'
import { matchEach } from '../helpers/match.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const sql = await connectSql(t, parley)
interface Page { data: ChatView[], nextCursor: string | null }
const namesOf = async (userId: string, query = '') => (await request<Page>(parley, userId, 'GET', `/sessions${query}`)).data.map(({ chat }) => chat.name ?? 'DIRECT')
type History = CommandResult<'get_user_chats'>
const historyOf = async (userId: string, query = '', as = userId, role?: string): Promise<History> => {
  const { token } = parley
  return request(role ? { ...parley, token: () => token(as, { role }) } : parley, as, 'GET', `/users/${encodeURIComponent(userId)}/sessions${query}`)
}

t.test('by labels, all of them, together with the other filters', async t => {
  await makeGroup(parley, 'alice', ['bob'], { name: 'both', labels: { call: '7', 'stream channel': 'ünï' } })
  const other = await makeGroup(parley, 'alice', [], { name: 'other call', labels: { call: '8' } })
  await makeGroup(parley, 'alice', [], { name: 'none' })
  await makeGroup(parley, 'zoe', [], { name: 'not hers', labels: { call: '7' } })
  t.strictSame(await namesOf('alice', '?label.call=7'), ['both'])
  t.strictSame(await namesOf('alice', `?label.call=7&label.stream%20channel=${encodeURIComponent('ünï')}`), ['both'])
  t.strictSame(await namesOf('alice', '?label.call=7&label.stream%20channel=other'), [])
  t.strictSame(await namesOf('alice', '?label.call=7&type=DIRECT'), [])
  t.strictSame(await namesOf('alice', '?label.call=7&q=BOT'), ['both'])
  t.strictSame(await namesOf('bob', '?label.call=7&limit=1'), ['both'])
  const socket = await signIn(t, parley, 'alice')
  t.strictSame((await socket.command('get_chats', { labels: { call: '7' } })).data.map(({ chat }) => chat.name), ['both'])
  await request(parley, 'alice', 'PATCH', `/sessions/${other}`, { labels: { call: '7' } })
  const first = await request<Page>(parley, 'alice', 'GET', '/sessions?label.call=7&limit=1')
  const second = await request<Page>(parley, 'alice', 'GET', `/sessions?label.call=7&limit=1&cursor=${first.nextCursor}`)
  t.strictSame([...first.data, ...second.data].map(({ chat }) => chat.name), ['other call', 'both'], 'page by page, and by what they are now')
  for (const bad of ['label.=x', `label.${'x'.repeat(65)}=x`, `label.a=${'x'.repeat(257)}`, 'label.a=1&label.a=2', Array.from('abcdefghijk', key => `label.${key}=1`).join('&'), 'labels=x']) {
    await t.rejects(namesOf('alice', `?${bad}`), { code: 'VALIDATION_FAILED' }, bad)
  }
})

t.test('by a part of the name, whatever its case and accents', async t => {
  for (const name of ['Café Müller', 'Привет, Йога', 'Οδυσσεύς', 'Łódź & Straße', '会議室', '100% _all_']) await makeGroup(parley, 'carol', [], { name })
  for (const [q, name] of [
    ['CAFE', 'Café Müller'], ['mu\u0308ll', 'Café Müller'], ['é M', 'Café Müller'], ['привет', 'Привет, Йога'], ['ИОГА', 'Привет, Йога'], ['ΟΔΥΣΣΕΥΣ', 'Οδυσσεύς'], ['lodz', 'Łódź & Straße'],
    ['STRASSE', 'Łódź & Straße'], ['議', '会議室'], ['0%', '100% _all_'], ['_a', '100% _all_'],
  ] as const) t.strictSame(await namesOf('carol', `?q=${encodeURIComponent(q)}`), [name], q)
  for (const q of ['muller cafe', '%', '__', 'x']) t.strictSame(await namesOf('carol', `?q=${encodeURIComponent(q)}`), q === '%' ? ['100% _all_'] : [], `${q} is no pattern`)
})

t.test('the same where the database knows no letters but ASCII', async t => {
  const { folded } = await sql.row<{ folded: string[] }>('SELECT ARRAY(SELECT chat.folded(x COLLATE "C") FROM unnest(ARRAY[\'ПРИВЕТ, ЙОГА\', \'ΟΔΥΣΣΕΥΣ\', \'ÅNGSTRÖM ØRE\', \'ԵՐԵՎԱՆ\', \'ҐАВА\']) AS x) AS folded')
  t.strictSame(folded, ['привет, иога', 'οδυσσευσ', 'angstrom ore', 'երեվան', 'ґава'])
})

t.test('a DIRECT chat goes by the other’s name, or their id where they have none', async t => {
  await sql.rows("INSERT INTO chat.chat_user (id, display_name) VALUES ('u1', 'Zoë Ångström'), ('u2', NULL), ('dora', 'Dora Zoe')")
  const [one] = [await makeDirect(parley, 'dora', 'u1'), await makeDirect(parley, 'dora', 'u2')]
  const idsOf = async (q: string) => (await request<Page>(parley, 'dora', 'GET', `/sessions?q=${q}`)).data.map(({ chat }) => chat.id)
  t.strictSame(await idsOf('zoe'), [one], 'not by one’s own')
  t.strictSame(await idsOf('angs'), [one])
  t.equal((await idsOf('U2')).length, 1)
  t.equal((await idsOf('u')).length, 1, 'the id of who has a name is not looked at')
})

t.test('a user’s history: also what they have left, of which they learn no more', async t => {
  const [stays, leaves, archived, gone] = [await makeGroup(parley, 'erin', ['finn'], { name: 'stays' }), await makeGroup(parley, 'erin', ['finn'], { name: 'leaves' }), await makeGroup(parley, 'finn', [], { name: 'archived' }), await makeGroup(parley, 'finn')]
  await makeDirect(parley, 'erin', 'finn') // of which finn knows nothing
  await send(parley, 'erin', stays, 'hello')
  await request(parley, 'finn', 'DELETE', `/sessions/${leaves}`)
  await request(parley, 'erin', 'PATCH', `/sessions/${leaves}`, { name: 'a secret since' })
  await request(parley, 'finn', 'POST', `/sessions/${archived}/archive`)
  await request(parley, 'finn', 'DELETE', `/sessions/${gone}?scope=everyone`)
  const left = { chatId: leaves, type: 'GROUP', participant: { userId: 'finn', state: 'LEFT' }, archived: false, chat: null, messageCount: null, lastMessageAt: null }
  const here = { chatId: stays, participant: { state: 'JOINED' }, chat: { name: 'stays' }, messageCount: 1, lastMessageAt: String }
  const put = { chatId: archived, archived: true, chat: { name: 'archived' } }
  matchEach(t, (await historyOf('finn')).data, [left, here], 'newest joining first')
  matchEach(t, (await historyOf('finn', '?includeArchived=true')).data, [put, left, here])
  const socket = await signIn(t, parley, 'finn')
  t.strictSame(await socket.command('get_user_chats', { userId: 'finn', includeArchived: true }), await historyOf('finn', '?includeArchived=true'))
  const paged: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: History = await historyOf('finn', `?includeArchived=true&limit=1${cursor && `&cursor=${cursor}`}`)
    paged.push(...page.data.map(({ chatId }) => chatId))
    cursor = page.nextCursor
  }
  t.strictSame(paged, [archived, leaves, stays])

  matchEach(t, (await historyOf('finn', '', 'root', 'admin')).data, [{ ...left, chat: { name: 'a secret since' }, messageCount: 0, lastMessageAt: String }, here], 'an administrator learns everything')
  await t.rejects(historyOf('finn', '', 'erin'), { code: 'USER_NOT_FOUND', status: 404 }, 'nobody else')
  await t.rejects(historyOf('finn', '', 'gus', 'agent'), { code: 'USER_NOT_FOUND' })
  await t.rejects(historyOf('nobody', '', 'root', 'admin'), { code: 'USER_NOT_FOUND' })
})

t.test('neither costs more when others have more chats', async t => {
  await sql.rows(`WITH c AS (INSERT INTO chat.chat_session (id, type, name, created_by_id, labels)
      SELECT gen_random_uuid(), 'GROUP', 'theirs', 'zoe', jsonb_build_object('call', n::text) FROM generate_series(1, 20000) n RETURNING id, labels),
    u AS (INSERT INTO chat.chat_user (id) SELECT 'user ' || n FROM generate_series(0, 1999) n),
    h AS (INSERT INTO chat.chat_head (chat_id, last_revision, member_count) SELECT id, 2, 1 FROM c)
    INSERT INTO chat.chat_participant (chat_id, user_id, join_revision, revision, inbox_revision) SELECT id, 'user ' || (labels ->> 'call')::integer % 2000, 2, 2, 1 FROM c`)
  await sql.rows("INSERT INTO chat.chat_participant (chat_id, user_id, join_revision, revision, inbox_revision) SELECT id, 'zoe', 2, 2, 1 FROM chat.chat_session WHERE name = 'theirs' AND (labels ->> 'call')::integer < 5000")
  await sql.rows('ANALYZE')
  const db: Queryable = { query: (statement, values) => sql.client.query({ ...statement, values }).then(({ rows }) => rows) }
  const read = async () => (await sql.row<{ rows: number }>(
    `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::integer AS rows FROM pg_stat_xact_user_tables
     WHERE relid IN ('chat.chat_session'::regclass, 'chat.chat_participant'::regclass, 'chat.chat_head'::regclass, 'chat.chat_user'::regclass)`)).rows
  const costOf = async (work: () => Promise<unknown[]>, plan = 'generic') => {
    await sql.rows('BEGIN')
    await sql.rows(`SET LOCAL plan_cache_mode = force_${plan}_plan`)
    const before = await read()
    await work()
    const cost = await read() - before
    await sql.rows('COMMIT')
    return cost
  }
  const paths: Record<string, () => Promise<unknown[]>> = {
    'the list': () => listChats(db, 'alice', { limit: 50 }, undefined),
    'by name': () => listChats(db, 'alice', { q: 'o', limit: 50 }, undefined),
    'by labels': () => listChats(db, 'alice', { labels: { call: '7' }, limit: 50 }, undefined),
    'the history': () => listUserChats(db, 'alice', { includeArchived: true, all: false, limit: 50 }, undefined),
  }
  for (const [name, path] of Object.entries(paths)) {
    const cost = await costOf(path)
    t.ok((await path()).length > 0 && cost < 100, `${name} reads ${cost} rows, by the plan that PostgreSQL may keep`)
  }
  const cost = await costOf(() => listChats(db, 'zoe', { labels: { call: '19' }, limit: 50 }, undefined), 'custom')
  t.ok(cost < 100, `who has many chats finds those with labels by reading ${cost} rows`)
  t.ok(await costOf(() => listChats(db, 'zoe', { limit: 50 }, undefined)) > 4_000, 'and what is read is seen')
})

t.end()
