// Who is in a chat, as what, and what that allows.
import t from 'tap'
import type { ChatView, Message, Participant } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { history, makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)
const sql = await connectSql(t, parley)
type Change = { participants: Participant[], message: Message | null }
const path = (chatId: string, userId = '') => `/sessions/${chatId}/participants${userId && `/${userId}`}`
const add = (by: string, chatId: string, userIds: string[], more: object = {}) => request<Change>(parley, by, 'POST', path(chatId), { userIds, ...more })
const remove = (by: string, chatId: string, userId: string) => request<Change>(parley, by, 'DELETE', path(chatId, userId))
const change = (by: string, chatId: string, userId: string, body: object) => request<Change>(parley, by, 'PATCH', path(chatId, userId), body)
const leave = (userId: string, chatId: string) => request(parley, userId, 'DELETE', `/sessions/${chatId}`)
const rolesOf = async (userId: string, chatId: string) =>
  Object.fromEntries((await request<{ data: Participant[] }>(parley, userId, 'GET', path(chatId))).data.map(({ userId, role }) => [userId, role]))

/** olga owns it, ada administers, mona moderates, bob is a member. */
async function makeHierarchy (more: object = {}): Promise<string> {
  const chatId = await makeGroup(parley, 'olga', ['ada', 'mona', 'bob'], more)
  await change('olga', chatId, 'ada', { role: 'ADMIN' })
  await change('olga', chatId, 'mona', { role: 'MODERATOR' })
  return chatId
}

t.test('what each role may do', async t => {
  const people = ['olga', 'ada', 'mona', 'bob'] as const
  type Outcome = 'ok' | 'ROLE_REQUIRED' | 'LAST_OWNER'
  const no = 'ROLE_REQUIRED'
  const rights: [name: string, act: (userId: string, chatId: string) => Promise<unknown>, outcomes: [Outcome, Outcome, Outcome, Outcome]][] = [
    ['add a member', (by, chatId) => add(by, chatId, ['new']), ['ok', 'ok', no, no]],
    ['add an administrator', (by, chatId) => add(by, chatId, ['new'], { role: 'ADMIN' }), ['ok', 'ok', no, no]],
    ['add an owner', (by, chatId) => add(by, chatId, ['new'], { role: 'OWNER' }), ['ok', no, no, no]],
    ['remove a member', (by, chatId) => remove(by, chatId, 'carol'), ['ok', 'ok', no, no]],
    ['remove another administrator', (by, chatId) => remove(by, chatId, 'abel'), ['ok', 'ok', no, no]],
    ['remove the owner', (by, chatId) => remove(by, chatId, 'oscar'), ['ok', no, no, no]],
    ['make a member an administrator', (by, chatId) => change(by, chatId, 'carol', { role: 'ADMIN' }), ['ok', 'ok', no, no]],
    ['make a member an owner', (by, chatId) => change(by, chatId, 'carol', { role: 'OWNER' }), ['ok', no, no, no]],
    ['demote another owner', (by, chatId) => change(by, chatId, 'oscar', { role: 'MEMBER' }), ['ok', no, no, no]],
    ['label somebody', (by, chatId) => change(by, chatId, 'carol', { label: 'GUEST' }), ['ok', 'ok', no, no]],
    ['rename the chat', (by, chatId) => request(parley, by, 'PATCH', `/sessions/${chatId}`, { name: 'Renamed' }), ['ok', 'ok', no, no]],
    ["delete somebody's message", (by, chatId) => request(parley, by, 'DELETE', `/messages/${chatId}.1?scope=everyone`), ['ok', 'ok', 'ok', no]],
    ['delete the chat for everyone', (by, chatId) => request(parley, by, 'DELETE', `/sessions/${chatId}?scope=everyone`), ['ok', no, no, no]],
    ['leave', (by, chatId) => leave(by, chatId), ['ok', 'ok', 'ok', 'ok']],
  ]
  const makeChat = async () => {
    const chatId = await makeGroup(parley, 'olga', ['ada', 'mona', 'bob', 'carol', 'abel', 'oscar'])
    await send(parley, 'carol', chatId, 'hello')
    await sql.rows(`UPDATE chat.chat_participant p SET role = r.role::chat.participant_role
      FROM (VALUES ('ada', 'ADMIN'), ('abel', 'ADMIN'), ('mona', 'MODERATOR'), ('oscar', 'OWNER')) AS r (user_id, role) WHERE p.chat_id = $1 AND p.user_id = r.user_id`, [chatId])
    return chatId
  }
  await Promise.all(rights.map(async ([name, act, outcomes]) => {
    let chatId = await makeChat()
    for (const [index, userId] of people.entries()) {
      const before = await request<ChatView>(parley, 'carol', 'GET', `/sessions/${chatId}`)
      const outcome = await act(userId, chatId).then(() => 'ok', error => error.code)
      t.equal(outcome, outcomes[index], `${name}: ${userId}`)
      if (outcome === 'ok') chatId = await makeChat()
      else t.strictSame(await request(parley, 'carol', 'GET', `/sessions/${chatId}`), before, 'and nothing has changed')
    }
  }))
})

t.test('whoMayInvite', async t => {
  const chatId = await makeHierarchy({ settings: { whoMayInvite: 'MEMBER' } })
  t.match(await add('bob', chatId, ['carol']), { participants: [{ userId: 'carol', role: 'MEMBER' }] })
  await t.rejects(add('bob', chatId, ['dave'], { role: 'MODERATOR' }), { code: 'ROLE_REQUIRED' }, 'nobody gives more than they have')
})

t.test('a change writes a SYSTEM message, which its event and its answer carry', async t => {
  const chatId = await makeGroup(parley, 'olga', ['bob'])
  const bob = await signIn(t, parley, 'bob')
  const steps: [act: () => Promise<Change>, event: 'participant_joined' | 'participant_updated' | 'participant_left', reason: string, system: object][] = [
    [() => add('olga', chatId, ['carol', 'dave'], { label: 'GUEST' }), 'participant_joined', 'added', { kind: 'participants_added', actorId: 'olga', targetIds: ['carol', 'dave'] }],
    [() => change('olga', chatId, 'carol', { role: 'ADMIN' }), 'participant_updated', 'role_changed', { kind: 'role_changed', actorId: 'olga', targetIds: ['carol'], data: { role: 'ADMIN' } }],
    [() => change('carol', chatId, 'dave', { label: null }), 'participant_updated', 'label_changed', { kind: 'label_changed', actorId: 'carol', targetIds: ['dave'], data: { label: null } }],
    [() => remove('carol', chatId, 'dave'), 'participant_left', 'removed', { kind: 'participant_removed', actorId: 'carol', targetIds: ['dave'] }],
    [() => remove('carol', chatId, 'carol'), 'participant_left', 'left', { kind: 'participant_left', actorId: 'carol', targetIds: ['carol'] }],
  ]
  let revision = (await request<ChatView>(parley, 'bob', 'GET', `/sessions/${chatId}`)).head.lastRevision
  for (const [act, type, reason, system] of steps) {
    const answer = await act()
    const event = await bob.next(type)
    t.match(event.data, { reason, actorId: (system as { actorId: string }).actorId, message: { type: 'SYSTEM', senderId: null, content: null, system } }, reason)
    t.strictSame({ participants: event.data.participants, message: event.data.message }, answer, 'the answer and the event say the same')
    t.equal(event.previousRevision, revision)
    t.equal(event.revision, revision + 1 + event.data.participants.length, 'a revision each for the message and the participants')
    revision = event.revision as number
  }
  t.strictSame((await history(parley, 'bob', chatId)).map(({ system }) => system?.kind), steps.map(([, , , system]) => (system as { kind: string }).kind))
})

t.test('who is in the chat already stays as they are', async t => {
  const chatId = await makeHierarchy()
  t.strictSame(await add('olga', chatId, ['ada', 'bob']), { participants: [], message: null })
  const { participants, message } = await add('olga', chatId, ['ada', 'carol', 'carol'])
  t.strictSame([participants.map(({ userId }) => userId), message?.system?.targetIds], [['carol'], ['carol']])
  t.strictSame(await rolesOf('bob', chatId), { olga: 'OWNER', ada: 'ADMIN', mona: 'MODERATOR', bob: 'MEMBER', carol: 'MEMBER' })
})

t.test('a chat keeps an owner: the last one cannot be demoted, and passes it on by leaving', async t => {
  const chatId = await makeHierarchy()
  await t.rejects(change('olga', chatId, 'olga', { role: 'ADMIN' }), { code: 'LAST_OWNER', status: 409 })
  const ada = await signIn(t, parley, 'ada')
  await leave('olga', chatId)
  t.match((await ada.next('participant_left')).data, {
    participants: [{ userId: 'ada', role: 'OWNER' }, { userId: 'olga', role: 'MEMBER', state: 'LEFT' }], message: { system: { data: { newOwnerId: 'ada' } } },
  })
  t.match((await ada.next('inbox_updated')).data, { memberships: [{ chatId, role: 'OWNER' }] }, 'who is told so')
  t.strictSame(await rolesOf('bob', chatId), { ada: 'OWNER', mona: 'MODERATOR', bob: 'MEMBER' }, 'of the highest role')
  await change('ada', chatId, 'bob', { role: 'OWNER' })
  await change('ada', chatId, 'ada', { role: 'MEMBER' })
  await leave('bob', chatId)
  await leave('mona', chatId)
  t.strictSame(await rolesOf('ada', chatId), { ada: 'OWNER' })
  await t.resolves(leave('ada', chatId), 'nobody is left')
  await t.rejects(send(parley, 'ada', chatId, 'hello'), { code: 'CHAT_NOT_FOUND' })
})

t.test('an owner passes the chat on, and administers it from then on', async t => {
  const chatId = await makeHierarchy()
  const [bob, olga] = [await signIn(t, parley, 'bob'), await signIn(t, parley, 'olga')]
  const answer = await change('olga', chatId, 'bob', { role: 'OWNER', label: 'HOST', transfer: true })
  t.match(answer, { participants: [{ userId: 'bob', role: 'OWNER', label: 'HOST' }, { userId: 'olga', role: 'ADMIN' }], message: { system: { kind: 'ownership_transferred', actorId: 'olga', targetIds: ['bob'] } } })
  t.match((await bob.next('participant_updated')).data, { ...answer, reason: 'ownership_transferred' })
  for (const [socket, role] of [[bob, 'OWNER'], [olga, 'ADMIN']] as const) t.match((await socket.next('inbox_updated')).data, { memberships: [{ chatId, role }] })
  t.strictSame(await rolesOf('bob', chatId), { olga: 'ADMIN', ada: 'ADMIN', mona: 'MODERATOR', bob: 'OWNER' })
  for (const [by, to, body, code] of [
    ['olga', 'ada', { role: 'OWNER', transfer: true }, 'ROLE_REQUIRED'], ['bob', 'bob', { role: 'OWNER', transfer: true }, 'TARGET_IS_SELF'], ['bob', 'zoe', { role: 'OWNER', transfer: true }, 'USER_NOT_FOUND'],
    ['bob', 'ada', { role: 'ADMIN', transfer: true }, 'VALIDATION_FAILED'], ['bob', 'ada', { transfer: true }, 'VALIDATION_FAILED'],
  ] as const) await t.rejects(change(by, chatId, to, body), { code }, `${by} to ${to}: ${JSON.stringify(body)}`)
  const [, ...owners] = await Promise.all(['ada', 'mona'].map(to => change('bob', chatId, to, { role: 'OWNER', transfer: true }).catch(error => error)))
  t.match(owners, [{}])
  t.equal(Object.values(await rolesOf('ada', chatId)).filter(role => role === 'OWNER').length, 1, 'to two at once: to one')
})

t.test('labels of the application: from the beginning, on messages, and on the last message', async t => {
  const view = await request<ChatView>(parley, 'olga', 'POST', '/sessions', { type: 'GROUP', name: 'Live', participantIds: ['bob', 'carol'], participantLabels: { olga: 'STREAMER', bob: 'USER', nobody: 'GHOST' } })
  t.strictSame(view.participants.map(({ userId, label }) => [userId, label]), [['olga', 'STREAMER'], ['bob', 'USER'], ['carol', null]])
  const direct = await request<ChatView>(parley, 'bob', 'POST', '/sessions', { type: 'DIRECT', targetUserId: 'olga', participantLabels: { olga: 'STREAMER', bob: 'USER' } })
  t.equal((await send(parley, 'olga', direct.chat.id, 'hello')).senderLabel, 'STREAMER')
  t.match((await request<ChatView>(parley, 'bob', 'GET', `/sessions/${direct.chat.id}`)).lastMessage, { senderLabel: 'STREAMER' })
  await change('olga', view.chat.id, 'bob', { label: 'VIP' })
  t.equal((await send(parley, 'bob', view.chat.id, 'hello')).senderLabel, 'VIP')
  await change('olga', view.chat.id, 'bob', { label: null })
  t.strictSame((await history(parley, 'carol', view.chat.id)).map(({ senderLabel }) => senderLabel), [null, 'VIP', null], 'a message keeps the label it was written with')
  await t.rejects(request(parley, 'olga', 'POST', '/sessions', { type: 'GROUP', name: 'Live', participantIds: [], participantLabels: { olga: '' } }), { code: 'VALIDATION_FAILED' })
})

t.test('slow mode and who may send and invite, changed while the chat goes on', async t => {
  const chatId = await makeHierarchy()
  const set = (settings: object) => request<ChatView>(parley, 'ada', 'PATCH', `/sessions/${chatId}`, { settings })
  await send(parley, 'bob', chatId, 'one')
  t.match((await set({ slowModeSeconds: 3600 })).chat.settings, { slowModeSeconds: 3600, whoMaySend: 'MEMBER' }, 'what is not said stays')
  await t.rejects(send(parley, 'bob', chatId, 'two'), { code: 'SLOW_MODE' })
  await send(parley, 'mona', chatId, 'a moderator may')
  await send(parley, 'mona', chatId, 'and again')
  await set({ slowModeSeconds: 0 })
  await send(parley, 'bob', chatId, 'two')
  await set({ whoMaySend: 'MODERATOR' })
  await t.rejects(send(parley, 'bob', chatId, 'three'), { code: 'CHAT_READ_ONLY' })
  await t.rejects(add('bob', chatId, ['carol']), { code: 'ROLE_REQUIRED' })
  await set({ whoMaySend: 'MEMBER', whoMayInvite: 'MEMBER' })
  await send(parley, 'bob', chatId, 'three')
  await add('bob', chatId, ['carol'])
})

t.test('of equals, the one who has been there longest inherits', async t => {
  const chatId = await makeGroup(parley, 'olga', ['zoe'])
  await add('olga', chatId, ['abel'])
  await leave('olga', chatId)
  t.strictSame(await rolesOf('zoe', chatId), { zoe: 'OWNER', abel: 'MEMBER' })
})

t.test('owners who leave at once', async t => {
  const chatId = await makeGroup(parley, 'olga', ['oscar', 'bob'])
  await change('olga', chatId, 'oscar', { role: 'OWNER' })
  await Promise.all([leave('olga', chatId), leave('oscar', chatId)])
  t.strictSame(await rolesOf('bob', chatId), { bob: 'OWNER' })
})

t.test('nobody comes to, leaves or is changed in a DIRECT chat', async t => {
  const chatId = await makeDirect(parley, 'ann', 'ben')
  await t.rejects(add('ann', chatId, ['carol']), { code: 'ROLE_REQUIRED' })
  await t.rejects(remove('ann', chatId, 'ben'), { code: 'ROLE_REQUIRED' })
  await t.rejects(remove('ann', chatId, 'ann'), { code: 'ROLE_REQUIRED' })
  await t.rejects(change('ann', chatId, 'ben', { role: 'ADMIN' }), { code: 'ROLE_REQUIRED' })
  for (const body of [{ name: 'Ours' }, { description: null }, { avatarUrl: null }, { settings: { slowModeSeconds: 5 } }, { labels: {}, settings: { retentionDays: 7, whoMaySend: 'OWNER' } }]) {
    await t.rejects(request(parley, 'ann', 'PATCH', `/sessions/${chatId}`, body), { code: 'ROLE_REQUIRED' }, JSON.stringify(body))
  }
  await t.rejects(request(parley, 'ann', 'DELETE', `/sessions/${chatId}?scope=everyone`), { code: 'ROLE_REQUIRED' })
})

t.test('either of two may set what their DIRECT chat is about, and how long it is kept', async t => {
  const chatId = await makeDirect(parley, 'ann', 'ben')
  const ann = await signIn(t, parley, 'ann')
  t.match(await request(parley, 'ben', 'PATCH', `/sessions/${chatId}`, { labels: { call: '7' }, metadata: { a: 1 }, settings: { retentionDays: 7 } }), { chat: { labels: { call: '7' }, metadata: { a: 1 }, settings: { retentionDays: 7 } } })
  t.match((await ann.next('chat_updated')).data, { chat: { labels: { call: '7' }, settings: { retentionDays: 7 } } })
  await request(parley, 'ann', 'PUT', `/sessions/${chatId}`, { settings: { retentionDays: null } })
  await request(parley, 'ann', 'PUT', '/blocks/ben')
  for (const userId of ['ann', 'ben']) await t.rejects(request(parley, userId, 'PATCH', `/sessions/${chatId}`, { labels: {} }), { code: 'CHAT_BLOCKED' }, 'not over a block')
  await t.rejects(request(parley, 'zoe', 'PATCH', `/sessions/${chatId}`, { labels: {} }), { code: 'CHAT_NOT_FOUND' })
})

t.test('who is not there cannot be changed, and who is not in it changes nothing', async t => {
  const chatId = await makeHierarchy()
  await remove('olga', chatId, 'bob')
  for (const userId of ['bob', 'zoe']) {
    await t.rejects(change('olga', chatId, userId, { role: 'ADMIN' }), { code: 'USER_NOT_FOUND' })
    await t.rejects(remove('olga', chatId, userId), { code: 'USER_NOT_FOUND' })
    const acts: (() => Promise<unknown>)[] = [
      () => add(userId, chatId, ['x']), () => remove(userId, chatId, 'ada'), () => change(userId, chatId, 'ada', { role: 'MEMBER' }), () => rolesOf(userId, chatId),
    ]
    for (const act of acts) {
      await t.rejects(act, { code: 'CHAT_NOT_FOUND' })
    }
  }
})

t.test('participants come in pages, by joining', async t => {
  const others = Array.from({ length: 12 }, (_, n) => `user ${String(12 - n).padStart(2, '0')}`)
  const chatId = await makeGroup(parley, 'olga', others)
  await remove('olga', chatId, others[3] as string)
  const found: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: { data: Participant[], nextCursor: string | null, users: object } = await request(parley, 'olga', 'GET', `${path(chatId)}?limit=5${cursor && `&cursor=${cursor}`}`)
    t.strictSame(Object.keys(page.users).toSorted(), page.data.map(({ userId }) => userId).toSorted())
    found.push(...page.data.map(({ userId }) => userId))
    cursor = page.nextCursor
  }
  t.strictSame(found, ['olga', ...others.filter((_, n) => n !== 3)])
  await t.rejects(request(parley, 'olga', 'GET', `${path(chatId)}?cursor=rubbish`), { code: 'VALIDATION_FAILED' })
})

t.end()
