// Reports: whoever sees a message can report it, nobody else hears of it, and an administrator makes something of it.
import t from 'tap'
import type { CommandResult, Message } from '../../src/contract.ts'
import { age, fill } from '../helpers/jobs.ts'
import { request, sameAsServer, startClient } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { callRoute, type Input } from '../helpers/wire.ts'
import { history, makeGroup, send } from '../helpers/world.ts'

const SERVER_KEY = 'the-key-of-the-applications-own-server'
// (no sweep closes the sockets of who is banned: it has to be done at once)
const parley = await startParley(t, { SERVER_API_KEY: SERVER_KEY, DELETED_CONTENT_DAYS: '30', SWEEP_SECONDS: '3600' })
const sql = await connectSql(t, parley)
const rest = <Body>(userId: string, method: string, path: string, body?: object) => request<Body>(parley, userId, method, path, body)
const report = async (userId: string, { id }: Pick<Message, 'id'>, reason = 'rude') =>
  (await rest<CommandResult<'report_message'>>(userId, 'POST', `/messages/${id}/report`, { reason })).report

interface Seen { id: string, messageId: string, senderId: string, reporterId: string, reason: string, status: string, resolution: string | null, message: Message | null }
const root = parley.token('root', { role: 'admin' })
const admin = async (route: string, input: Input = {}, token = root) => {
  const { status, code, body } = await callRoute(parley, token, route, input)
  return { status, code, body: body as Input & { data: Seen[], report: Seen, context: Message[], earlierReports: Seen[], nextCursor: string | null, current: Message | null } }
}
const resolve = (reportId: string, resolution: string, more: Input = {}, token = root) => admin('POST /admin/reports/{reportId}/resolve', { reportId, resolution, ...more }, token)
const view = async (reportId: string) => (await admin('GET /admin/reports/{reportId}', { reportId })).body

let groups = 0
/** ann owns it; ben, whom every test has for itself, says something; cat and dan listen. */
async function setup (content = 'something rude') {
  const ben = `ben${++groups}`
  const chatId = await makeGroup(parley, 'ann', [ben, 'cat', 'dan'])
  return { ben, chatId, message: await send(parley, ben, chatId, content, { metadata: { color: 'red' } }) }
}

t.test('once: again, the first is the answer', async t => {
  const { chatId, message } = await setup()
  const first = await callRoute(parley, parley.token('cat'), 'POST /messages/{messageId}/report', { messageId: message.id, reason: 'SPAM' })
  t.match(first, { status: 201, body: { report: { chatId, messageId: message.id, reason: 'SPAM', status: 'OPEN' } } })
  const again = await callRoute(parley, parley.token('cat'), 'POST /messages/{messageId}/report', { messageId: message.id, reason: 'another' })
  t.equal(again.status, 200)
  t.strictSame(again.body, first.body)
  const both = await Promise.all([report('dan', message), report('dan', message)])
  t.strictSame(both[0], both[1], 'at once, too')
  t.equal((await admin('GET /admin/reports', { chatId })).body.data.length, 2)
})

t.test('over a socket, and nobody else hears of it', async t => {
  const { ben, message } = await setup()
  const [cat, dan, sender] = await Promise.all(['cat', 'dan', ben].map(userId => signIn(t, parley, userId)))
  t.match(await cat?.command('report_message', { messageId: message.id, reason: 'rude' }), { report: { status: 'OPEN' } })
  for (const each of [cat, dan, sender]) {
    await each?.command('ping', {})
    t.strictSame(each?.events.filter(({ type }) => !['authenticated', 'user_online', 'unread_message'].includes(type)), [])
  }
})

t.test('not what I do not see, not my own, not what nobody has said', async t => {
  const { ben, chatId, message } = await setup()
  await t.rejects(report('eve', message), { status: 404, code: 'MESSAGE_NOT_FOUND' })
  await rest('ann', 'POST', `/sessions/${chatId}/participants`, { userIds: ['late'] })
  await t.rejects(report('late', message), { code: 'MESSAGE_NOT_FOUND' })
  await t.rejects(report('cat', { id: `${chatId}.99` }), { code: 'MESSAGE_NOT_FOUND' })
  await t.rejects(report(ben, message), { status: 400, code: 'TARGET_IS_SELF' })
  await t.rejects(report('cat', { id: `${chatId}.2` }), { status: 400, code: 'VALIDATION_FAILED' }, 'a SYSTEM message')
  await rest(ben, 'DELETE', `/messages/${message.id}`)
  await t.rejects(report('cat', message), { status: 409, code: 'MESSAGE_DELETED' })
  t.strictSame((await admin('GET /admin/reports', { chatId })).body.data, [])
})

t.test('what was reported is kept, whatever becomes of the message; the reporter is shown none of it', async t => {
  const { ben, chatId, message } = await setup()
  await rest('cat', 'PUT', `/blocks/${ben}`)
  const made = await report('cat', message)
  t.notMatch(JSON.stringify(made), /something rude/)
  await rest(ben, 'PATCH', `/messages/${message.id}`, { content: 'something nice' })
  t.match(await view(made.id), { report: { message: { content: 'something rude', metadata: { color: 'red' } } }, current: { content: 'something nice' } })
  await rest(ben, 'DELETE', `/messages/${message.id}`)
  t.match(await view(made.id), { report: { message: { content: 'something rude' } }, current: { content: null } })
  t.same(await report('cat', message), made, 'reported again')
  await rest('ann', 'PATCH', `/sessions/${chatId}`, { settings: { retentionDays: 1 } })
  await age(parley, chatId, 1, 2)
  await parley.app.jobs.run('trim-history')
  t.match(await view(made.id), { report: { message: { content: 'something rude' } }, current: null, context: [] })
  await rest('ann', 'DELETE', `/sessions/${chatId}?scope=everyone`)
  await parley.app.jobs.run('remove-deleted-chats')
  t.match(await view(made.id), { report: { message: { content: 'something rude' } }, current: null, chat: null, participants: [] })
})

t.test('administrators, and the application\'s server, and nobody else', async t => {
  const { message } = await setup()
  const { id: reportId } = await report('cat', message)
  const calls: [string, Input][] = [['GET /admin/reports', {}], ['GET /admin/reports/{reportId}', { reportId }], ['POST /admin/reports/{reportId}/resolve', { reportId, resolution: 'DISMISSED' }], ['POST /admin/users/{userId}/ban', { userId: 'x', seconds: 1 }], ['POST /admin/users/{userId}/unban', { userId: 'x' }]]
  for (const [route, input] of calls) {
    for (const token of [parley.token('ann'), parley.token('agent', { role: 'agent' })]) t.match(await admin(route, input, token), { status: 403, code: 'ROLE_REQUIRED' }, route)
    t.match(await admin(route, input, SERVER_KEY), { status: 200 }, route)
  }
})

t.test('a list, oldest first, in pages and by status, chat and sender', async t => {
  const one = await setup()
  const other = await setup()
  const ids: string[] = []
  for (const [who, message] of [['cat', one.message], ['dan', other.message], ['dan', one.message], ['ann', one.message], ['cat', other.message]] as const) ids.push((await report(who, message)).id)
  await resolve(ids[2] ?? '', 'DISMISSED')
  const listed = async (input: Input) => {
    const found: string[] = []
    for (let cursor: string | null | undefined; cursor !== null;) {
      const { data, nextCursor } = (await admin('GET /admin/reports', { ...input, limit: 2, ...(cursor && { cursor }) })).body
      t.ok(data.length <= 2)
      found.push(...data.map(({ id }) => id).filter(id => ids.includes(id)))
      cursor = nextCursor
    }
    return found
  }
  t.strictSame(await listed({}), ids)
  t.strictSame(await listed({ chatId: one.chatId }), [ids[0], ids[2], ids[3]])
  t.strictSame(await listed({ senderId: other.ben }), [ids[1], ids[4]])
  t.strictSame(await listed({ status: 'OPEN', chatId: one.chatId }), [ids[0], ids[3]])
  t.strictSame(await listed({ status: 'RESOLVED', senderId: one.ben }), [ids[2]])
  for (const bad of [{ status: 'NEW' }, { cursor: 'x' }, { chatId: 'x' }, { limit: 0 }, { unknown: 1 }]) t.match(await admin('GET /admin/reports', bad), { code: 'VALIDATION_FAILED' })
})

t.test('with what was said around it, who is there, and what was reported of the sender before', async t => {
  const { ben, chatId, message } = await setup()
  await fill(parley, chatId, ben, 60)
  const before = await report('cat', message)
  const { id: reportId } = await report('cat', { id: `${chatId}.31` })
  const seen = await view(reportId)
  t.strictSame(seen.context.map(({ seq }) => seq), Array.from({ length: 41 }, (_, n) => 11 + n))
  t.match(seen, { chat: { id: chatId, name: 'Friends' }, current: { seq: 31 }, participants: [{ userId: ben }, { userId: 'ann', role: 'OWNER' }, {}, {}], users: { ann: { id: 'ann' }, cat: {}, [ben]: {} } })
  t.strictSame(seen.earlierReports.map(({ id }) => id), [before.id])
  t.strictSame((await view(before.id)).earlierReports, [], 'earlier ones alone')
  t.strictSame((await view(before.id)).context.map(({ seq }) => seq), Array.from({ length: 21 }, (_, n) => 1 + n))
  t.match(await admin('GET /admin/reports/{reportId}', { reportId: '00000000-0000-7000-8000-000000000000' }), { status: 404, code: 'REPORT_NOT_FOUND' })
})

t.test('dismissed: nothing happens to the message, and that is the end of it', async t => {
  const { message, chatId } = await setup()
  const { id } = await report('cat', message)
  t.match(await resolve(id, 'DISMISSED', { note: 'not that rude' }), { status: 200, body: { report: { status: 'RESOLVED', resolution: 'DISMISSED', note: 'not that rude', resolvedById: 'root', resolvedAt: /Z$/ } } })
  t.match(await history(parley, 'cat', chatId), [{ content: 'something rude' }])
  t.match(await resolve(id, 'DISMISSED', { note: 'again' }), { status: 200, body: { report: { note: 'not that rude' } } }, 'again: as it was')
  t.match(await resolve(id, 'MESSAGE_DELETED'), { status: 409, code: 'REPORT_RESOLVED' })
  t.match(await resolve(id, 'USER_BANNED'), { status: 409, code: 'REPORT_RESOLVED' })
  t.match(await history(parley, 'cat', chatId), [{ content: 'something rude' }])
  t.match(await report('cat', message), { id, status: 'RESOLVED' })
})

t.test('the message is deleted for everybody, by an administrator who is not in the chat', async t => {
  const { ben, chatId, message } = await setup()
  const clients = await Promise.all(['cat', ben].map(userId => startClient(t, parley, userId)))
  const dan = await signIn(t, parley, 'dan')
  const { id } = await report('cat', message)
  t.match(await resolve(id, 'MESSAGE_DELETED'), { status: 200, body: { report: { resolution: 'MESSAGE_DELETED' } } })
  t.match(await dan.next('message_deleted'), { chatId, data: { message: { id: message.id, content: null, deletedById: 'root' } } })
  await sameAsServer(t, parley, 'cat', clients[0] as NonNullable<typeof clients[0]>)
  await sameAsServer(t, parley, ben, clients[1] as NonNullable<typeof clients[1]>)
  const { lastRevision } = await sql.row<{ lastRevision: number }>('SELECT last_revision AS "lastRevision" FROM chat.chat_head WHERE chat_id = $1', [chatId])
  t.match(await resolve(id, 'MESSAGE_DELETED'), { status: 200 })
  t.strictSame(await sql.row('SELECT last_revision AS "lastRevision" FROM chat.chat_head WHERE chat_id = $1', [chatId]), { lastRevision }, 'again changes nothing')
})

t.test('by the application\'s server nobody is named; what has gone already is as good as deleted', async t => {
  const { chatId, message } = await setup()
  const { id } = await report('cat', message)
  const gone = await report('dan', message)
  t.match(await resolve(id, 'MESSAGE_DELETED', {}, SERVER_KEY), { body: { report: { resolvedById: null } } })
  t.match(await history(parley, 'cat', chatId), [{ content: null, deletedAt: /Z$/, deletedById: null }])
  await rest('ann', 'DELETE', `/sessions/${chatId}?scope=everyone`)
  t.match(await resolve(gone.id, 'MESSAGE_DELETED'), { status: 200, body: { report: { status: 'RESOLVED' } } })
})

t.test('the sender is banned: their sockets are closed, they are let in no more', async t => {
  const { ben, message, chatId } = await setup()
  const { id } = await report('cat', message)
  const token = parley.token(ben)
  t.equal((await callRoute(parley, token, 'GET /me')).code, null, 'known here by now, and let in without being looked up')
  const sockets = await Promise.all([signIn(t, parley, ben), signIn(t, parley, ben)])
  const cat = await signIn(t, parley, 'cat')
  t.match(await resolve(id, 'USER_BANNED', { banSeconds: 3600, note: 'enough' }), { status: 200, body: { report: { resolution: 'USER_BANNED' } } })
  for (const socket of sockets) t.match(await socket.closed, { code: 4403 })
  t.match(await callRoute(parley, token, 'GET /me'), { status: 403, code: 'USER_BANNED' })
  await t.rejects(send(parley, ben, chatId, 'more'), { code: 'USER_BANNED' })
  const { bannedUntil, reason } = await sql.row<{ bannedUntil: Date, reason: string }>('SELECT banned_until AS "bannedUntil", ban_reason AS reason FROM chat.chat_user WHERE id = $1', [ben])
  t.ok(Math.abs(bannedUntil.getTime() - Date.now() - 3_600_000) < 60_000)
  t.equal(reason, 'enough')
  t.match(await history(parley, 'cat', chatId), [{ content: 'something rude' }], 'what they said stays')
  t.match(await cat.command('ping', {}), {}, 'nobody else is closed')

  t.match(await admin('POST /admin/users/{userId}/unban', { userId: ben }), { status: 200, body: { userId: ben, bannedUntil: null, reason: null } })
  t.equal((await callRoute(parley, token, 'GET /me')).code, null)
})

t.test('a ban for some time, until a time, or for ever', async t => {
  const ban = (userId: string, more: Input = {}, token = root) => admin('POST /admin/users/{userId}/ban', { userId, reason: 'spam', ...more }, token)
  const { ben, message } = await setup()
  t.match((await ban(ben, { until: '2099-01-01T00:00:00.000Z' })).body, { userId: ben, bannedUntil: '2099-01-01T00:00:00.000Z', reason: 'spam' })
  t.match((await ban(ben)).body, { bannedUntil: '9999-12-31T23:59:59.999Z' })
  await t.rejects(rest(ben, 'GET', '/me'), { code: 'USER_BANNED' })
  t.match((await ban(ben, { until: '2020-01-01T00:00:00.000Z' })).status, 200)
  t.match(await rest(ben, 'GET', '/me'), { id: ben }, 'a ban that is over is none')
  t.match((await ban('somebody-new')).body, { userId: 'somebody-new' }, 'before they have ever come')
  await t.rejects(rest('somebody-new', 'GET', '/me'), { code: 'USER_BANNED' })
  t.match(await ban('root'), { status: 400, code: 'TARGET_IS_SELF' })
  for (const bad of [{ seconds: 0 }, { seconds: 1.5 }, { seconds: 1, until: '2099-01-01T00:00:00.000Z' }, { until: 'soon' }, { reason: '' }, { reason: 'x'.repeat(1001) }, { unknown: 1 }]) t.match(await ban(ben, bad), { code: 'VALIDATION_FAILED' }, JSON.stringify(bad))
  const { id } = await report('cat', message)
  for (const bad of [{ resolution: 'NOTHING' }, { resolution: 'DISMISSED', banSeconds: 5 }, { resolution: 'USER_BANNED', banSeconds: 0 }, { resolution: 'DISMISSED', note: '' }, { resolution: 'DISMISSED', unknown: 1 }, {}]) {
    t.match(await admin('POST /admin/reports/{reportId}/resolve', { reportId: id, ...bad }), { code: 'VALIDATION_FAILED' }, JSON.stringify(bad))
  }
  t.equal((await view(id)).report.status, 'OPEN')
})

t.test('an administrator whose own message was reported cannot ban themselves by mistake', async t => {
  const { chatId } = await setup()
  await rest('ann', 'POST', `/sessions/${chatId}/participants`, { userIds: ['root'] })
  const { id } = await report('cat', await send(parley, 'root', chatId, 'mine'))
  t.match(await resolve(id, 'USER_BANNED'), { code: 'TARGET_IS_SELF' })
  t.equal((await view(id)).report.status, 'OPEN', 'and the report is as it was')
})

t.test('two administrators at once: one of them has their way', async t => {
  const { ben, chatId, message } = await setup()
  const { id } = await report('cat', message)
  const outcomes = await Promise.all([resolve(id, 'MESSAGE_DELETED'), resolve(id, 'USER_BANNED')])
  t.strictSame(outcomes.map(({ status }) => status).toSorted(), [200, 409])
  const { resolution } = (await view(id)).report
  const [said] = await history(parley, 'cat', chatId)
  const { banned } = await sql.row<{ banned: boolean }>('SELECT banned_until IS NOT NULL AS banned FROM chat.chat_user WHERE id = $1', [ben])
  t.strictSame({ deleted: said?.content === null, banned }, { deleted: resolution === 'MESSAGE_DELETED', banned: resolution === 'USER_BANNED' })
})

t.test('the copy goes DELETED_CONTENT_DAYS after the report was resolved; of an open one it stays', async t => {
  const { message } = await setup()
  const [old, recent, open] = [await report('cat', message), await report('dan', message), await report('ann', message)]
  await resolve(old.id, 'DISMISSED')
  await resolve(recent.id, 'DISMISSED')
  await sql.rows("UPDATE chat.message_report SET resolved_at = resolved_at - interval '31 days' WHERE id = $1", [old.id])
  await sql.rows("UPDATE chat.message_report SET resolved_at = resolved_at - interval '29 days' WHERE id = $1", [recent.id])
  await sql.rows("UPDATE chat.message_report SET created_at = created_at - interval '400 days' WHERE id = $1", [open.id])
  await parley.app.jobs.run('purge-reports')
  t.match((await view(old.id)).report, { message: null, reason: 'rude', resolution: 'DISMISSED' })
  for (const { id } of [recent, open]) t.match((await view(id)).report, { message: { content: 'something rude' } })
})
t.end()
