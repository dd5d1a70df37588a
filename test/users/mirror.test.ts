// Users are a mirror of what tokens say of them.
import t from 'tap'
import type { ChatView } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { matchEach } from '../helpers/match.ts'
import { startParley, type Parley, type TestClaims } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeDirect, makeGroup } from '../helpers/world.ts'

const parley = await startParley(t)
const as = (claims: TestClaims): Pick<Parley, 'url' | 'token'> => ({ url: parley.url, token: userId => parley.token(userId, claims) })
const me = (userId: string, claims: TestClaims = {}) => request(as(claims), userId, 'GET', '/me')

t.test('name and picture are taken over, by REST and by WebSocket, and stay when a token says nothing of them', async t => {
  t.match(await me('alice'), { id: 'alice', displayName: null, avatarUrl: null })
  t.match(await me('alice', { name: 'Alice', picture: 'https://example.com/a.png' }), { id: 'alice', displayName: 'Alice', avatarUrl: 'https://example.com/a.png' })
  await signIn(t, parley, 'alice', { token: parley.token('alice', { name: 'Alice B.' }) })
  t.match(await me('alice'), { id: 'alice', displayName: 'Alice B.', avatarUrl: 'https://example.com/a.png' })
})

t.test('what a token says too much of', async t => {
  t.match(await me('bob', { name: '👍'.repeat(300), picture: `https://example.com/${'x'.repeat(3_000)}` }), { displayName: '👍'.repeat(256), avatarUrl: null })
})

t.test('whoever is addressed becomes a user, whom the first token names', async t => {
  const chatId = await makeDirect(parley, 'carol', 'dave')
  t.match((await request<ChatView>(parley, 'carol', 'GET', `/sessions/${chatId}`)).users, { dave: { id: 'dave', displayName: null } })
  await me('dave', { name: 'Dave' })
  t.match((await request<ChatView>(parley, 'carol', 'GET', `/sessions/${chatId}`)).users, { dave: { id: 'dave', displayName: 'Dave' } })
})

t.test('people who share a chat see each other, others do not', async t => {
  const chatId = await makeGroup(parley, 'erin', ['frank'])
  await me('zoe')
  t.match(await request(parley, 'erin', 'GET', '/users/frank'), { id: 'frank' })
  for (const userId of ['zoe', 'nobody']) await t.rejects(request(parley, 'erin', 'GET', `/users/${userId}`), { code: 'USER_NOT_FOUND' }, userId)
  await request(parley, 'frank', 'DELETE', `/sessions/${chatId}`)
  await t.rejects(request(parley, 'erin', 'GET', '/users/frank'), { code: 'USER_NOT_FOUND' }, 'who has left')
  t.match(await request(parley, 'erin', 'GET', '/users/erin'), { id: 'erin' })
})

t.test('where unknown users are refused, only those who have come may be addressed', async t => {
  const strict = await startParley(t, { UNKNOWN_USERS: 'refuse' })
  const sql = await connectSql(t, strict)
  const { chat: { id: chatId } } = await request<ChatView>(strict, 'alice', 'POST', '/sessions', { type: 'GROUP', name: 'Friends', participantIds: [] })
  const attempts: [method: string, path: string, body?: object][] = [
    ['POST', '/sessions', { type: 'DIRECT', targetUserId: 'unknown' }],
    ['POST', '/sessions', { type: 'GROUP', name: 'More', participantIds: ['alice', 'unknown'] }],
    ['POST', '/messages', { targetUserId: 'unknown', content: 'hello' }],
    ['POST', `/sessions/${chatId}/participants`, { userIds: ['unknown'] }],
    ['PUT', '/blocks/unknown'],
  ]
  for (const [method, path, body] of attempts) await t.rejects(request(strict, 'alice', method, path, body), { code: 'USER_NOT_FOUND' }, path)
  matchEach(t, await sql.rows('SELECT id FROM chat.chat_user'), [{ id: 'alice' }])
  await request(strict, 'unknown', 'GET', '/me')
  for (const [method, path, body] of attempts) await t.resolves(request(strict, 'alice', method, path, body), path)
})

t.test('who is banned is refused', async t => {
  const sql = await connectSql(t, parley)
  await sql.rows("INSERT INTO chat.chat_user (id, banned_until) VALUES ('mallory', 'infinity'), ('grace', now() - interval '1 s')")
  await t.rejects(me('mallory'), { code: 'USER_BANNED', status: 403 })
  t.match(await me('grace'), { id: 'grace' })
})

t.end()
