// A user asks; agents, who are so by their tokens, see the queue, take chats, hand them over and close them.
import t from 'tap'
import type { ChatView, CommandResult, Participant } from '../../src/contract.ts'
import type { Queryable } from '../../src/plugins/database.ts'
import { listSupport } from '../../src/support/queries.ts'
import { request } from '../helpers/live.ts'
import { matchEach } from '../helpers/match.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeGroup, send } from '../helpers/world.ts'

const server = await startParley(t)
/** gus, gwen and gil are agents. */
const parley = { ...server, token: (userId: string) => server.token(userId, userId.startsWith('g') ? { role: 'agent' } : {}) }
const sql = await connectSql(t, parley)

interface Page { data: ChatView[], nextCursor: string | null }
type Look = CommandResult<'get_support_chat'>
const ask = (userId: string, more: object = {}) => request<ChatView>(parley, userId, 'POST', '/sessions', { type: 'SUPPORT', ...more })
const queue = (as: string, query = '') => request<Page>(parley, as, 'GET', `/support/sessions${query}`)
const idsIn = async (as: string, query = '') => (await queue(as, query)).data.map(({ chat }) => chat.id)
const look = (as: string, chatId: string) => request<Look>(parley, as, 'GET', `/support/sessions/${chatId}`)
const take = (as: string, chatId: string, body: object = {}) => request<ChatView>(parley, as, 'POST', `/sessions/${chatId}/take`, body)
const release = (as: string, chatId: string, body: object = {}) => request<{ participants: Participant[] }>(parley, as, 'POST', `/sessions/${chatId}/release`, body)
const close = (as: string, chatId: string) => request<ChatView>(parley, as, 'POST', `/sessions/${chatId}/close`)
const viewOf = (as: string, chatId: string) => request<ChatView>(parley, as, 'GET', `/sessions/${chatId}`)
const stateOf = async (as: string, chatId: string) => (await viewOf(as, chatId)).chat.support
const kindsOf = async (as: string, chatId: string) => (await history(parley, as, chatId)).map(({ content, system }) => content ?? system?.kind)

t.test('a user asks: a chat of their own, which they do not run', async t => {
  const view = await ask('ann', { name: 'My invoice', labels: { topic: 'billing' }, metadata: { order: 7 }, externalRef: 'ticket 1', clientChatId: 'one' })
  t.match(view, {
    chat: { type: 'SUPPORT', name: 'My invoice', support: { status: 'OPEN', assigneeId: null }, createdById: 'ann', labels: { topic: 'billing' }, settings: { historyForNewMembers: 'ALL' } },
    participants: [{ userId: 'ann', role: 'MEMBER', label: 'USER' }],
  })
  const { id } = view.chat
  t.equal((await ask('ann', { externalRef: 'ticket 1' })).chat.id, id, 'once')
  t.equal((await ask('ann', { clientChatId: 'one' })).chat.id, id)
  await t.rejects(ask('zoe', { externalRef: 'ticket 1' }), { code: 'EXTERNAL_REF_TAKEN' })
  for (const [method, path, body] of [['PATCH', '', { name: 'Mine' }], ['DELETE', '?scope=everyone', undefined], ['POST', '/participants', { userIds: ['zoe'] }], ['DELETE', '/participants/ann', undefined]] as const) {
    await t.rejects(request(parley, 'ann', method, `/sessions/${id}${path}`, body), { code: 'ROLE_REQUIRED' }, `${method} ${path}`)
  }
})

t.test('the queue: oldest first, by status and labels, page by page, for agents alone', async t => {
  const [one, two, three] = [await ask('bea', { labels: { q: 'a' } }), await ask('ben', { labels: { q: 'a' } }), await ask('bob', { labels: { q: 'b' } })].map(({ chat }) => chat.id) as [string, string, string]
  t.strictSame(await idsIn('gus', '?label.q=a'), [one, two])
  t.strictSame((await idsIn('gus')).slice(-3), [one, two, three])
  const paged: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page = await queue('gus', `?limit=1${cursor && `&cursor=${cursor}`}`)
    paged.push(...page.data.map(({ chat }) => chat.id))
    cursor = page.nextCursor
  }
  t.strictSame(paged, await idsIn('gus'))
  await take('gus', one)
  await close('gwen', two)
  t.strictSame([await idsIn('gus', '?label.q=a'), await idsIn('gus', '?status=ASSIGNED&label.q=a'), await idsIn('gus', '?status=CLOSED&label.q=a')], [[], [one], [two]])
  const socket = await signIn(t, parley, 'gwen')
  t.strictSame((await socket.command('get_support_chats', { labels: { q: 'b' } })).data.map(({ chat }) => chat.id), [three])
  for (const userId of ['bea', 'root']) await t.rejects(queue(userId), { code: 'ROLE_REQUIRED', status: 403 }, userId)
})

t.test('an agent looks before taking, and nobody notices', async t => {
  const { chat: { id } } = await ask('cal')
  for (let n = 1; n <= 60; n++) await send(parley, 'cal', id, `message ${n}`)
  const cal = await signIn(t, parley, 'cal')
  const view = await look('gus', id)
  t.match(view, { chat: { id }, membership: null, lastMessage: { content: 'message 60' }, head: { messageCount: 60, unreadCount: 0 }, users: { cal: {} } })
  t.strictSame(view.messages.map(({ content }) => content), Array.from({ length: 50 }, (_, n) => `message ${n + 11}`))
  t.strictSame((await queue('gus')).data.find(({ chat }) => chat.id === id)?.lastMessage?.content, 'message 60')
  t.strictSame(await cal.soFar('participant_joined', 'messages_delivered', 'messages_read', 'chat_updated'), [])
  for (const path of ['', '/messages', '/stats', '/participants']) await t.rejects(request(parley, 'gus', 'GET', `/sessions/${id}${path}`), { code: 'CHAT_NOT_FOUND' }, `not by GET ${path}`)
  await t.rejects(send(parley, 'gus', id, 'hello'), { code: 'CHAT_NOT_FOUND' })
  await t.rejects(look('cal', id), { code: 'ROLE_REQUIRED' })
  await t.rejects(look('gus', await makeGroup(parley, 'cal', ['gus'])), { code: 'CHAT_NOT_FOUND' }, 'what is no support chat is none of an agent’s business')
})

t.test('taking: a frame that tells who has come, one that tells whose it is, and the whole history', async t => {
  const { chat: { id } } = await ask('dan')
  await send(parley, 'dan', id, 'help')
  const [dan, gus] = [await signIn(t, parley, 'dan'), await signIn(t, parley, 'gus')]
  const view = await gus.command('take_chat', { chatId: id })
  t.match(view, { chat: { support: { status: 'ASSIGNED', assigneeId: 'gus' } }, membership: { role: 'ADMIN', visibleFromSeq: 1 }, head: { unreadCount: 0, memberCount: 2 } })
  const joined = await dan.next('participant_joined')
  t.match(joined.data, { reason: 'taken', actorId: 'gus', participants: [{ userId: 'gus', role: 'ADMIN', label: 'AGENT' }], message: { system: { kind: 'support_taken', actorId: 'gus', targetIds: ['gus'] } } })
  const updated = await dan.next('chat_updated')
  t.match(updated, { previousRevision: joined.revision, data: { chat: { support: { assigneeId: 'gus' } } } })
  t.strictSame(await kindsOf('gus', id), ['help', 'support_taken'])
  const { senderLabel } = await send(parley, 'gus', id, 'what is it?')
  t.equal(senderLabel, 'AGENT')
  t.match((await dan.next('message_received')).data, { message: { content: 'what is it?' } })
  t.match((await viewOf('dan', id)).lastMessage, { senderLabel: 'AGENT' })
  await take('gus', id)
  t.strictSame(await dan.soFar('participant_updated', 'chat_updated', 'message_received'), [], 'again is as good as once')
})

t.test('one agent gets it, however many take it at once; the others are told who, and may join', async t => {
  const { chat: { id } } = await ask('eve')
  const outcomes = await Promise.allSettled(['gus', 'gwen', 'gil'].map(as => take(as, id)))
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  const { assigneeId } = (await stateOf('eve', id))!
  const loser = ['gus', 'gwen', 'gil'].find(as => as !== assigneeId)!
  const refused = await request<never>(parley, loser, 'POST', `/sessions/${id}/take`, {}).catch(error => error)
  t.match(refused, { status: 409, code: 'CHAT_TAKEN' })
  const socket = await signIn(t, parley, loser)
  await t.rejects(socket.command('take_chat', { chatId: id }), { code: 'CHAT_TAKEN', retryable: false })
  await socket.command('take_chat', { chatId: id, join: true })
  t.match(await viewOf(loser, id), { chat: { support: { assigneeId } }, head: { memberCount: 3 } })
  await take(loser, id, { join: true })
  t.strictSame(await kindsOf('eve', id), ['support_taken', 'support_joined'])
})

t.test('releasing: to another agent, to whoever is there, back to the queue', async t => {
  const { chat: { id } } = await ask('fay')
  await take('gus', id)
  const [fay, gus, gwen] = [await signIn(t, parley, 'fay'), await signIn(t, parley, 'gus'), await signIn(t, parley, 'gwen')]
  await release('gus', id, { toUserId: 'gwen' })
  const left = await fay.next('participant_left')
  t.match(left.data, { reason: 'released', participants: [{ userId: 'gwen', state: 'JOINED', label: 'AGENT' }, { userId: 'gus', state: 'LEFT' }], message: { system: { kind: 'support_handed_over', targetIds: ['gwen'] } } })
  t.match((await fay.next('chat_updated')).data, { chat: { support: { status: 'ASSIGNED', assigneeId: 'gwen' } } })
  await gwen.next('participant_left')
  t.match((await gwen.next('chat_updated')).data, { chat: { support: { assigneeId: 'gwen' } } }, 'who gets it follows from then on')
  await gus.next('participant_left')
  t.strictSame(await gus.soFar('chat_updated'), [], 'who has left does not')
  await t.rejects(viewOf('gus', id), { code: 'CHAT_NOT_FOUND' })

  await take('gil', id, { join: true })
  await release('gwen', id)
  t.match(await stateOf('fay', id), { status: 'ASSIGNED', assigneeId: 'gil' })
  await take('gus', id, { join: true })
  await release('gus', id)
  t.match(await stateOf('fay', id), { status: 'ASSIGNED', assigneeId: 'gil' }, 'whose it is stays')
  await release('gil', id)
  t.match(await viewOf('fay', id), { chat: { support: { status: 'OPEN', assigneeId: null } }, head: { memberCount: 1 } })
  t.ok((await idsIn('gus')).includes(id))
})

t.test('who may not release, and to whom not', async t => {
  const { chat: { id } } = await ask('hal')
  await take('gus', id)
  await take('gwen', id, { join: true })
  await t.rejects(release('hal', id), { code: 'ROLE_REQUIRED' })
  await t.rejects(release('gil', id), { code: 'CHAT_NOT_FOUND' })
  await t.rejects(release('gwen', id, { toUserId: 'gil' }), { code: 'ROLE_REQUIRED' }, 'it is not hers to hand over')
  await t.rejects(release('gus', id, { toUserId: 'gus' }), { code: 'TARGET_IS_SELF' })
  await t.rejects(release('gus', id, { toUserId: 'hal' }), { code: 'ROLE_REQUIRED' })
  await request(parley, 'gil', 'PUT', '/blocks/gus')
  await t.rejects(release('gus', id, { toUserId: 'gil' }), { code: 'CHAT_BLOCKED' })
  await request(parley, 'gus', 'POST', `/sessions/${id}/participants`, { userIds: ['ivy'] })
  await request(parley, 'gus', 'POST', `/sessions/${id}/participants/ivy/ban`)
  await t.rejects(release('gus', id, { toUserId: 'ivy' }), { code: 'USER_BANNED' })
  await t.rejects(release('hal', await makeGroup(parley, 'hal')), { code: 'ROLE_REQUIRED' }, 'a group')
})

t.test('an assignee who leaves, is removed or banned leaves no chat behind that is nobody’s', async t => {
  for (const [name, out] of Object.entries({
    leaves: (id: string) => request(parley, 'gus', 'DELETE', `/sessions/${id}`),
    'is removed': (id: string) => request(parley, 'gwen', 'DELETE', `/sessions/${id}/participants/gus`),
    'is banned': (id: string) => sql.rows("UPDATE chat.chat_participant SET role = 'OWNER' WHERE chat_id = $1 AND user_id = 'gwen'", [id]).then(() => request(parley, 'gwen', 'POST', `/sessions/${id}/participants/gus/ban`)),
  })) {
    const { chat: { id } } = await ask('jan')
    await take('gus', id)
    await take('gwen', id, { join: true })
    const jan = await signIn(t, parley, 'jan')
    await out(id)
    t.match((await jan.next('chat_updated')).data, { chat: { support: { status: 'ASSIGNED', assigneeId: 'gwen' } } }, name)
    await request(parley, 'gwen', 'DELETE', `/sessions/${id}`)
    t.match(await stateOf('jan', id), { status: 'OPEN', assigneeId: null })
    if (name === 'is banned') {
      for (const act of [() => look('gus', id), () => take('gus', id), () => close('gus', id)]) await t.rejects(act as () => Promise<unknown>, { code: 'CHAT_NOT_FOUND' })
      t.notOk((await idsIn('gus')).includes(id))
    }
  }
})

t.test('closing, by the user, an agent in it or one from outside', async t => {
  for (const as of ['kim', 'gus', 'gwen']) {
    const { chat: { id } } = await ask('kim')
    await take('gus', id)
    const kim = await signIn(t, parley, 'kim')
    t.match(await close(as, id), { chat: { support: { status: 'CLOSED', assigneeId: 'gus' } }, membership: as === 'gwen' ? null : {} }, as)
    const notice = await kim.next('message_received')
    t.match(notice.data, { message: { type: 'SYSTEM', system: { kind: 'support_closed', actorId: as, targetIds: [] } } })
    t.match(await kim.next('chat_updated'), { previousRevision: notice.revision, data: { chat: { support: { status: 'CLOSED' } } } })
    await close(as, id)
    t.strictSame(await kim.soFar('message_received', 'chat_updated'), [], 'twice is as good as once')
  }
  const { chat: { id } } = await ask('kim')
  await t.rejects(close('zoe', id), { code: 'CHAT_NOT_FOUND' })
  await take('gus', id)
  await request(parley, 'gus', 'POST', `/sessions/${id}/participants`, { userIds: ['expert'] })
  await t.rejects(close('expert', id), { code: 'ROLE_REQUIRED' })
  t.strictSame(await kindsOf('expert', id), ['support_taken', 'participants_added'], 'who is brought in sees everything')
  await t.rejects(close('kim', await makeGroup(parley, 'kim')), { code: 'ROLE_REQUIRED' }, 'a group')
})

t.test('what is said to a closed chat opens it again', async t => {
  const { chat: { id } } = await ask('lea')
  await take('gus', id)
  await send(parley, 'lea', id, 'first', { clientMessageId: 'first' })
  await close('gus', id)
  const gus = await signIn(t, parley, 'gus')
  await send(parley, 'lea', id, 'first', { clientMessageId: 'first' })
  t.match(await stateOf('lea', id), { status: 'CLOSED' }, 'not a repeat')
  await request(parley, 'gus', 'PATCH', `/sessions/${id}`, { settings: { whoMaySend: 'ADMIN' } })
  await t.rejects(send(parley, 'lea', id, 'refused'), { code: 'CHAT_READ_ONLY' })
  t.match(await stateOf('lea', id), { status: 'CLOSED' }, 'nor what is refused')
  await request(parley, 'gus', 'PATCH', `/sessions/${id}`, { settings: { whoMaySend: 'MEMBER' } })
  await Promise.all(['one', 'two', 'three'].map(content => send(parley, 'lea', id, content)))
  t.match(await stateOf('lea', id), { status: 'ASSIGNED', assigneeId: 'gus' }, 'whose it was has it again')
  t.strictSame((await kindsOf('lea', id)).filter(kind => kind === 'support_reopened').length, 1, 'once')
  t.match((await gus.next('chat_updated', ({ data }) => data.chat.support?.status === 'ASSIGNED')).data, {})
  await gus.next('message_received', ({ data }) => data.message.content === 'three')

  await release('gus', id)
  await close('lea', id)
  const socket = await signIn(t, parley, 'lea')
  await socket.command('send_message', { chatId: id, content: 'again' })
  t.match(await stateOf('lea', id), { status: 'OPEN', assigneeId: null }, 'nobody’s, it is in the queue again')
  await close('lea', id)
  t.match((await take('gwen', id)).chat.support, { status: 'ASSIGNED', assigneeId: 'gwen' }, 'an agent opens it by taking it')
})

t.test('the same where the message is forwarded to it', async t => {
  const { chat: { id } } = await ask('max')
  const other = await makeGroup(parley, 'max')
  const message = await send(parley, 'max', other, 'look at this')
  await close('max', id)
  t.match(await request(parley, 'max', 'POST', `/messages/${message.id}/forward`, { chatIds: [id] }), { messages: [{ content: 'look at this' }], failed: [] })
  t.match(await stateOf('max', id), { status: 'OPEN' })
})

t.test('SQL of the application is told that the chat is closed', async t => {
  const { chat: { id } } = await ask('ned')
  await close('ned', id)
  t.match(await sql.row("SELECT status, code FROM chat.send_messages(json_build_array(json_build_object('chatId', $1::text, 'senderId', 'ned', 'content', 'x', 'clientMessageId', 'k', 'requestHash', 'h'))::jsonb)", [id]),
    { status: 'rejected', code: 'CHAT_CLOSED' })
})

t.test('a user deletes it from their list, until something new comes', async t => {
  const { chat: { id } } = await ask('ova')
  await send(parley, 'ova', id, 'hello')
  await take('gus', id)
  const listed = async (query = '') => (await request<Page>(parley, 'ova', 'GET', `/sessions${query}`)).data.map(({ chat }) => chat.id)
  await request(parley, 'ova', 'DELETE', `/sessions/${id}`)
  t.strictSame([await listed(), await listed('?state=archived')], [[], []])
  await send(parley, 'gus', id, 'are you there?')
  t.strictSame(await listed('?type=SUPPORT'), [id])
  t.strictSame(await kindsOf('ova', id), ['are you there?'])
})

t.test('who was an agent and is one no longer', async t => {
  const { chat: { id } } = await ask('pat')
  await take('gus', id)
  const former = { ...parley, token: (userId: string) => server.token(userId) }
  await t.rejects(request(former, 'gus', 'GET', '/support/sessions'), { code: 'ROLE_REQUIRED' })
  await t.rejects(request(former, 'gus', 'POST', `/sessions/${id}/take`, {}), { code: 'ROLE_REQUIRED' })
  await t.rejects(request(former, 'gwen', 'POST', `/sessions/${id}/take`, {}), { code: 'CHAT_NOT_FOUND' })
  t.match(await request(former, 'gus', 'GET', `/sessions/${id}`), { membership: { state: 'JOINED' } }, 'what they have taken they keep until they are removed')
})

t.test('the user is no agent of their own chat, also where their token says agent', async t => {
  const { chat: { id } } = await ask('gil')
  await t.rejects(take('gil', id), { code: 'ROLE_REQUIRED' })
  matchEach(t, (await queue('gus')).data.filter(({ chat }) => chat.id === id), [{ chat: { createdById: 'gil' }, participants: [{ userId: 'gil' }] }])
})

t.test('the queue costs what is on its page, however many have been closed', async t => {
  await sql.rows(`WITH c AS (INSERT INTO chat.chat_session (id, type, created_by_id, support_status, labels) SELECT gen_random_uuid(), 'SUPPORT', 'zoe', 'CLOSED', '{"old": "yes"}' FROM generate_series(1, 20000) RETURNING id)
    INSERT INTO chat.chat_head (chat_id) SELECT id FROM c`)
  await sql.rows('ANALYZE')
  const db: Queryable = { query: (statement, values) => sql.client.query({ ...statement, values }).then(({ rows }) => rows) }
  const read = async () => (await sql.row<{ rows: number }>(
    "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::integer AS rows FROM pg_stat_xact_user_tables WHERE relid IN ('chat.chat_session'::regclass, 'chat.chat_head'::regclass)")).rows
  for (const filter of [{ status: 'OPEN' }, { status: 'CLOSED' }, { status: 'OPEN', labels: { q: 'b' } }] as const) {
    await sql.rows('BEGIN')
    await sql.rows('SET LOCAL plan_cache_mode = force_generic_plan')
    const before = await read()
    t.ok((await listSupport(db, 'gus', { ...filter, limit: 20 }, undefined)).length > 0)
    const cost = await read() - before
    await sql.rows('COMMIT')
    t.ok(cost < 500, `${JSON.stringify(filter)} reads ${cost} rows`)
  }
})

t.end()
