// Every route below /admin: who is let in, and the entry that it leaves.
import t from 'tap'
import type { Message } from '../../src/contract.ts'
import { routesOf } from '../helpers/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { callRoute, type Input } from '../helpers/wire.ts'
import { makeGroup, send } from '../helpers/world.ts'

const KEYS = ['the-key-of-the-applications-own-server', 'the-next-key-of-the-applications-server']
const parley = await startParley(t, { SERVER_API_KEY: KEYS.join(',') })
const root = parley.token('root', { role: 'admin' })

interface Entry { id: string, keyId: string | null, userId: string | null, action: string, target: Input, details: Input, status: number | null }

const chatId = await makeGroup(parley, 'ann', ['ben', 'cat'])
const message: Message = await send(parley, 'ben', chatId, 'something rude')
const gone: Message = await send(parley, 'ben', chatId, 'something else')
await request(parley, 'ben', 'DELETE', `/messages/${gone.id}`)
const { report: { id: reportId } } = await request<{ report: { id: string } }>(parley, 'cat', 'POST', `/messages/${message.id}/report`, { reason: 'rude' })

/** Each once, in an order in which all succeed. */
const CALLS: Record<string, Input> = {
  'GET /admin/messages/{messageId}': { messageId: gone.id },
  'POST /admin/messages/{messageId}/restore': { messageId: gone.id },
  'GET /admin/reports': {},
  'GET /admin/reports/{reportId}': { reportId },
  'POST /admin/reports/{reportId}/resolve': { reportId, resolution: 'DISMISSED', note: 'private' },
  'POST /admin/users/{userId}/ban': { userId: 'eve', seconds: 60 },
  'POST /admin/users/{userId}/unban': { userId: 'eve' },
  'PUT /admin/users/{userId}': { userId: 'dan', displayName: 'private' },
  'POST /admin/users': { users: [{ id: 'eve', displayName: 'private' }] },
  'GET /admin/users/{userId}': { userId: 'dan' },
  'POST /admin/users/{userId}/revoke': { userId: 'dan' },
  'POST /admin/sessions': { createdById: 'dan', chat: { type: 'GROUP', name: 'private', participantIds: ['eve'], externalRef: 'order-1' } },
  'GET /admin/sessions/{chatId}': { chatId },
  'PATCH /admin/sessions/{chatId}': { chatId, name: 'private' },
  'GET /admin/sessions/{chatId}/participants': { chatId },
  'POST /admin/sessions/{chatId}/participants': { chatId, userIds: ['dan'] },
  'PATCH /admin/sessions/{chatId}/participants/{userId}': { chatId, userId: 'dan', role: 'ADMIN' },
  'DELETE /admin/sessions/{chatId}/participants/{userId}': { chatId, userId: 'dan' },
  'GET /admin/sessions/{chatId}/messages': { chatId, limit: 2 },
  'POST /admin/sessions/{chatId}/messages': { chatId, senderId: 'ben', content: 'private' },
  'POST /admin/messages': { senderId: 'ben', targetUserId: 'cat', content: 'private' },
  'DELETE /admin/sessions/{chatId}': { chatId },
  'GET /admin/overview': {},
  'GET /admin/audit': { limit: 1 },
}

/** Asked for every few seconds by a page. */
const WATCHED = 'GET /admin/overview'

const countEntries = async () => (await parley.app.db.pool.query('SELECT count(*) FROM chat.audit_log')).rows
const entries = async (query: Input = {}) => (await callRoute(parley, KEYS[0] ?? '', 'GET /admin/audit', query)).body as { data: Entry[], nextCursor: string | null }

t.test('every route has a row', async t => {
  t.strictSame(Object.keys(CALLS).toSorted(), routesOf(parley.app).map(({ name }) => name).filter(name => name.includes(' /admin/')).toSorted())
})

for (const [route, input] of Object.entries(CALLS)) {
  t.test(`${route}: not for users, nor with a key or a token that is none, or no longer one`, async t => {
    const refused: [string | null, number, string][] = [
      [parley.token('ann'), 403, 'ROLE_REQUIRED'], [parley.token('gus', { role: 'agent' }), 403, 'ROLE_REQUIRED'], [parley.token('ann', { role: 'Admin' }), 403, 'ROLE_REQUIRED'],
      [parley.token('root', { role: 'admin', exp: 1 }), 401, 'TOKEN_EXPIRED'], ['a-key-that-was-rotated-out-of-the-setting', 401, 'TOKEN_INVALID'], [KEYS.join(','), 401, 'TOKEN_INVALID'],
      [`${KEYS[0]}x`, 401, 'TOKEN_INVALID'], [KEYS[0]?.slice(1) ?? '', 401, 'TOKEN_INVALID'], [null, 401, 'TOKEN_MISSING'],
    ]
    const before = await countEntries()
    for (const [token, status, code] of refused) t.match(await callRoute(parley, token, route, input), { status, code }, `${token?.slice(0, 8)}`)
    t.strictSame(await countEntries(), before, 'and leaves no entry')
  })

  if (route === WATCHED) continue
  t.test(`${route}: an entry`, async t => {
    const { status, body } = await callRoute(parley, root, route, input)
    t.ok(status < 300, JSON.stringify(body))
    const { rows: [entry] } = await parley.app.db.pool.query<Entry>('SELECT action, key_id AS "keyId", user_id AS "userId", target, details, status FROM chat.audit_log ORDER BY at DESC, id DESC LIMIT 1')
    t.match(entry, { action: route, userId: 'root', keyId: null, status })
    const inPath = Object.entries(input).filter(([name]) => route.includes(`{${name}}`))
    t.strictSame(entry?.target, Object.fromEntries(inPath))
    for (const name of Object.keys(input).filter(name => !route.includes(`{${name}}`))) t.hasProp(entry?.details ?? {}, name, 'with what was asked for')
    t.notMatch(JSON.stringify(entry), /private/, 'but not with what was said')
  })
}

t.test('what is only watched leaves none', async t => {
  const before = await countEntries()
  t.match(await callRoute(parley, root, WATCHED), { status: 200 })
  t.strictSame(await countEntries(), before)
})

t.test('by key: which one it was, and not the key', async t => {
  for (const key of KEYS) t.match(await callRoute(parley, key, 'GET /admin/users/{userId}', { userId: 'dan' }), { status: 200 })
  const { data: [second, first] } = await entries({ action: 'GET /admin/users/{userId}', limit: 2 })
  t.match([first, second], [{ userId: null, keyId: /^[0-9a-f]{12}$/ }, { userId: null, keyId: /^[0-9a-f]{12}$/ }])
  t.not(first?.keyId, second?.keyId)
  t.equal((await entries({ keyId: second?.keyId, action: 'GET /admin/users/{userId}' })).data.length, 1)
  const { rows } = await parley.app.db.pool.query<{ row: string }>('SELECT a::text AS row FROM chat.audit_log a')
  for (const key of KEYS) t.notOk(rows.some(({ row }) => row.includes(key)))
})

t.test('keys open nothing else', async t => {
  t.match(await callRoute(parley, KEYS[0] ?? '', 'GET /me'), { status: 401, code: 'TOKEN_INVALID' })
})

t.test('what fails leaves an entry, too; what is malformed does not', async t => {
  t.match(await callRoute(parley, root, 'GET /admin/users/{userId}', { userId: 'nobody' }), { status: 404, code: 'USER_NOT_FOUND' })
  t.match((await entries({ userId: 'root', targetUserId: 'nobody' })).data, [{ action: 'GET /admin/users/{userId}', status: 404 }])
  t.match(await callRoute(parley, root, 'POST /admin/users', { users: [] }), { status: 400, code: 'VALIDATION_FAILED' })
  t.strictSame((await entries({ action: 'POST /admin/users', limit: 100 })).data.filter(({ status }) => status === 400), [])
})

t.test('pages by key, newest first, by who, what, whom and when', async t => {
  for (let n = 0; n < 5; n++) await callRoute(parley, root, 'GET /admin/users/{userId}', { userId: `pages-${n % 2}` })
  const found: string[] = []
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await entries({ action: 'GET /admin/users/{userId}', targetUserId: 'pages-0', limit: 2, ...(cursor && { cursor }) })
    t.ok(page.data.length <= 2)
    found.push(...page.data.map(({ id }) => id))
    cursor = page.nextCursor
  }
  t.equal(found.length, 3)
  t.equal(new Set(found).size, 3)
  t.strictSame((await entries({ to: '2020-01-01T00:00:00Z' })).data, [])
  t.strictSame((await entries({ from: '2999-01-01T00:00:00Z' })).data, [])
  t.ok((await entries({ chatId: chatId.toUpperCase() })).data.length > 5)
})

t.test('without an entry nothing is done', async t => {
  const { pool } = parley.app.db
  await pool.query("CREATE FUNCTION chat.no_entry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full'; END $$")
  await pool.query('CREATE TRIGGER no_entry BEFORE INSERT ON chat.audit_log FOR EACH ROW EXECUTE FUNCTION chat.no_entry()')
  t.match(await callRoute(parley, root, 'PUT /admin/users/{userId}', { userId: 'ghost' }), { status: 500 })
  await pool.query('DROP TRIGGER no_entry ON chat.audit_log')
  t.match(await callRoute(parley, root, 'GET /admin/users/{userId}', { userId: 'ghost' }), { status: 404 })
})

t.end()
