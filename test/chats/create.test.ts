// A chat is made once, however many ask for it, and from whichever side.
import t from 'tap'
import type { ChatView } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeDirect, makeGroup } from '../helpers/world.ts'

const parley = await startParley(t)
const create = (userId: string, body: object) => request<ChatView>(parley, userId, 'POST', '/sessions', body)
const direct = (userId: string, targetUserId: string, more: object = {}) => create(userId, { type: 'DIRECT', targetUserId, ...more })
const group = (userId: string, more: object = {}) => create(userId, { type: 'GROUP', name: 'Friends', participantIds: [], ...more })
const distinct = (views: ChatView[]) => new Set(views.map(({ chat }) => chat.id)).size

t.test('two people have one chat, whoever asks, at the same time too', async t => {
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  const views = await Promise.all(Array.from({ length: 20 }, (_, n) => {
    if (n % 4 === 0) return direct('alice', 'bob')
    if (n % 4 === 1) return direct('bob', 'alice')
    if (n % 4 === 2) return alice.command('create_chat', { type: 'DIRECT', targetUserId: 'bob' })
    return bob.command('create_chat', { type: 'DIRECT', targetUserId: 'alice' })
  }))
  t.equal(distinct(views), 1)
  t.equal((await alice.soFar('chat_created')).length, 1, 'and is announced once')
  const sql = await connectSql(t, parley)
  t.match(await sql.rows('SELECT user_id, role, state FROM chat.chat_participant WHERE chat_id = $1 ORDER BY user_id', [views[0]?.chat.id]),
    [{ user_id: 'alice', role: 'MEMBER', state: 'JOINED' }, { user_id: 'bob', role: 'MEMBER', state: 'JOINED' }], 'nobody owns it')
})

t.test('201 for the first, 200 for the others', async t => {
  const post = () => parley.app.inject({ method: 'POST', url: '/api/v1/chat/sessions', headers: { authorization: `Bearer ${parley.token('ann')}` }, payload: { type: 'DIRECT', targetUserId: 'ben' } })
  t.equal((await post()).statusCode, 201)
  t.equal((await post()).statusCode, 200)
})

t.test('user ids are compared as they are, letter by letter', async t => {
  const views = await Promise.all([direct('\u00c5', 'a'), direct('a', '\u00c5'), direct('a', 'A'), direct('A', 'a'), direct('a', 'A\u030a')])
  t.equal(distinct(views), 3, 'a letter is not the same letter in other code points')
})

t.test('nobody has a chat with themselves', async t => {
  await t.rejects(direct('alice', 'alice'), { code: 'TARGET_IS_SELF' })
})

t.test('a group by the same clientChatId is one group, of its maker', async t => {
  const views = await Promise.all(Array.from({ length: 10 }, (_, n) => group('alice', { clientChatId: 'key', name: `by ${n}`, participantIds: ['bob'] })))
  t.equal(distinct(views), 1)
  t.equal(distinct([views[0] as ChatView, await group('bob', { clientChatId: 'key' })]), 2, 'another has keys of their own')
  t.match(views[0], { chat: { createdById: 'alice' }, membership: { role: 'OWNER' } })
})

t.test('a group by the same externalRef is one group, whose members alone learn of it', async t => {
  const views = await Promise.all([
    ...Array.from({ length: 5 }, () => group('alice', { externalRef: 'order 7', participantIds: ['bob'] })),
    ...Array.from({ length: 5 }, () => group('bob', { externalRef: 'order 7', participantIds: ['alice'] })),
  ])
  t.equal(distinct(views), 1)
  await t.rejects(group('zoe', { externalRef: 'order 7' }), { code: 'EXTERNAL_REF_TAKEN', status: 409 })
  const owner = views[0]?.chat.createdById ?? ''
  await request(parley, owner, 'DELETE', `/sessions/${views[0]?.chat.id}?scope=everyone`)
  t.match(await group('zoe', { externalRef: 'order 7' }), { chat: { externalRef: 'order 7', createdById: 'zoe' } }, 'a chat that is deleted gives it back')
})

t.test('strangers who race for an externalRef: one gets it, the others learn that it is taken and nothing else', async t => {
  const outcomes = await Promise.all(Array.from({ length: 9 }, (_, n) => group(`racer ${n % 3}`, { externalRef: 'race' }).catch(error => error)))
  const made = outcomes.filter(outcome => 'chat' in outcome) as ChatView[]
  t.equal(distinct(made), 1)
  t.equal(made.length, 3, 'whose it is finds it')
  for (const outcome of outcomes.filter(outcome => !('chat' in outcome))) t.match(outcome, { status: 409, code: 'EXTERNAL_REF_TAKEN' })
  const chatId = made[0]?.chat.id
  await request(parley, made[0]?.chat.createdById ?? '', 'POST', `/sessions/${chatId}/participants`, { userIds: ['guest'] })
  t.equal((await group('guest', { externalRef: 'race' })).chat.id, chatId)
  await request(parley, 'guest', 'DELETE', `/sessions/${chatId}`)
  const refusal = await parley.app.inject({ method: 'POST', url: '/api/v1/chat/sessions', headers: { authorization: `Bearer ${parley.token('guest')}` }, payload: { type: 'GROUP', name: 'New', participantIds: [], externalRef: 'race' } })
  t.strictSame(refusal.json(), { statusCode: 409, code: 'EXTERNAL_REF_TAKEN', error: 'Conflict', message: 'Another chat has this externalRef' }, 'nor who has left')
})

t.test('whom somebody writes to is never decided by a key', async t => {
  const withCarol = await direct('alice', 'carol', { clientChatId: 'direct key', externalRef: 'direct ref' })
  t.equal((await direct('alice', 'carol', { clientChatId: 'other', externalRef: 'other' })).chat.id, withCarol.chat.id, 'the pair decides')
  for (const key of [{ clientChatId: 'direct key' }, { externalRef: 'direct ref' }]) {
    await t.rejects(direct('alice', 'dave', key), { code: 'EXTERNAL_REF_TAKEN' }, `another pair, ${JSON.stringify(key)}`)
  }
  const withDave = await direct('alice', 'dave')
  t.strictSame(withDave.participants.map(({ userId }) => userId).toSorted(), ['alice', 'dave'])
  t.equal((await direct('alice', 'dave', { externalRef: 'direct ref' })).chat.id, withDave.chat.id)
  await t.rejects(group('alice', { clientChatId: 'direct key' }), { code: 'EXTERNAL_REF_TAKEN' }, 'a group is no DIRECT chat')
})

t.test('what a new group is like', async t => {
  const view = await group('alice', {
    participantIds: ['bob', 'carol', 'bob', 'alice'],
    avatarUrl: 'https://example.com/a.png',
    description: 'Who we are',
    labels: { call: '7' },
    metadata: { color: 'red' },
    settings: { slowModeSeconds: 5, historyForNewMembers: 'ALL', whoMaySend: 'MODERATOR', whoMayInvite: 'MEMBER', retentionDays: 30 },
  })
  t.match(view, {
    chat: {
      type: 'GROUP',
      name: 'Friends',
      avatarUrl: 'https://example.com/a.png',
      description: 'Who we are',
      labels: { call: '7' },
      metadata: { color: 'red' },
      revision: 1,
      settings: { slowModeSeconds: 5, historyForNewMembers: 'ALL', whoMaySend: 'MODERATOR', whoMayInvite: 'MEMBER', retentionDays: 30 },
    },
    head: { lastRevision: 4, lastSeq: 0, memberCount: 3, unreadCount: 0 },
    lastMessage: null,
  })
  t.strictSame(view.participants.map(({ userId, role, revision }) => [userId, role, revision]), [['alice', 'OWNER', 2], ['bob', 'MEMBER', 3], ['carol', 'MEMBER', 4]])
})

t.test('a block keeps people from making chats with each other', async t => {
  const old = await makeDirect(parley, 'erin', 'frank')
  await request(parley, 'frank', 'PUT', '/blocks/erin')
  await request(parley, 'frank', 'PUT', '/blocks/grace')
  for (const [from, to] of [['frank', 'grace'], ['grace', 'frank']] as const) {
    await t.rejects(direct(from, to), { code: 'CHAT_BLOCKED' })
    await t.rejects(makeGroup(parley, from, [to]), { code: 'CHAT_BLOCKED' })
  }
  t.equal((await direct('erin', 'frank')).chat.id, old, 'those that they have are still found')
})

t.end()
