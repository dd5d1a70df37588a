// A user's own settings, on all their devices; and their name, as others follow it.
import t from 'tap'
import type { Me } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startParley, type Parley, type TestClaims } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { makeDirect, makeGroup } from '../helpers/world.ts'

const parley = await startParley(t)
const as = (claims: TestClaims): Pick<Parley, 'url' | 'token'> => ({ url: parley.url, token: userId => parley.token(userId, claims) })
const me = (userId: string) => request<Me>(parley, userId, 'GET', '/me')
const patch = (userId: string, change: object, claims: TestClaims = {}) => request<Me>(as(claims), userId, 'PATCH', '/me', change)
const DEFAULTS = { requests: 'ASK', groupInvites: 'ACCEPT', privateReading: false, hideLastSeen: false }

t.test('what is not set has a default, and what is not given stays', async t => {
  t.strictSame(await me('alice'), { id: 'alice', displayName: null, avatarUrl: null, metadata: {}, settings: DEFAULTS })
  t.strictSame((await patch('alice', { settings: { requests: 'ACCEPT', hideLastSeen: true } })).settings, { ...DEFAULTS, requests: 'ACCEPT', hideLastSeen: true })
  const socket = await signIn(t, parley, 'alice')
  t.strictSame((await socket.command('update_me', { settings: { requests: 'ASK', groupInvites: 'ASK' } })).settings, { ...DEFAULTS, groupInvites: 'ASK', hideLastSeen: true })
  t.strictSame(await socket.command('get_me', {}), await me('alice'))
})

t.test('all my devices follow, those that were away too; nobody else is told', async t => {
  await makeDirect(parley, 'bob', 'ben')
  const [phone, laptop, other] = [await signIn(t, parley, 'bob'), await signIn(t, parley, 'bob'), await signIn(t, parley, 'ben')]
  const before = await request<{ inboxRevision: number, user?: Me }>(parley, 'bob', 'POST', '/sync', {})
  t.strictSame(before.user, await me('bob'))
  const changed = await phone.command('update_me', { settings: { privateReading: true } })
  for (const device of [phone, laptop]) {
    t.match((await device.next('inbox_updated')).data, { previousInboxRevision: before.inboxRevision, inboxRevision: before.inboxRevision + 1, user: changed })
  }
  const since = (inboxRevision: number) => request<{ user?: Me }>(parley, 'bob', 'POST', '/sync', { inboxRevision })
  t.strictSame((await since(before.inboxRevision)).user, changed)
  t.equal((await since(before.inboxRevision + 1)).user, undefined)
  await phone.command('update_me', { settings: { privateReading: true } })
  t.strictSame(await phone.soFar('inbox_updated'), [], 'what changes nothing is nothing new')
  t.strictSame(await other.soFar('user_updated'), [])
})

t.test('a name that the token does not say is mine to choose, and is told to whom I share a small chat with', async t => {
  await makeGroup(parley, 'carol', ['dora', 'eve', 'finn'])
  await request(parley, 'eve', 'PUT', '/blocks/carol')
  await request(parley, 'carol', 'PUT', '/blocks/finn')
  const [mine, dora, eve, finn, zoe] = await Promise.all(['carol', 'dora', 'eve', 'finn', 'zoe'].map(userId => signIn(t, parley, userId)))
  await patch('carol', { displayName: 'Carol', avatarUrl: 'https://example.com/c.png' })
  t.match(await dora?.next('user_updated'), { revision: undefined, data: { user: { id: 'carol', displayName: 'Carol', avatarUrl: 'https://example.com/c.png' } } })
  t.match((await mine?.next('inbox_updated'))?.data, { user: { displayName: 'Carol' } })
  for (const [name, socket] of Object.entries({ mine, eve, finn, zoe })) t.strictSame(await socket?.soFar('user_updated'), [], name)
  t.match(await patch('carol', { displayName: null }), { displayName: null, avatarUrl: 'https://example.com/c.png' })
})

t.test("what the token says is the application's: it cannot be changed here, and is taken over and told", async t => {
  await makeDirect(parley, 'gina', 'hugo')
  const hugo = await signIn(t, parley, 'hugo')
  const gina = await signIn(t, parley, 'gina')
  t.match(await patch('gina', { avatarUrl: 'https://example.com/g.png' }, { name: 'Gina' }), { displayName: 'Gina', avatarUrl: 'https://example.com/g.png' }, 'of the other it says nothing')
  t.match((await hugo.next('user_updated')).data, { user: { displayName: 'Gina', avatarUrl: null } }, 'by REST')
  t.match((await gina.next('inbox_updated')).data, { user: { displayName: 'Gina' } })
  await t.rejects(patch('gina', { displayName: 'Other' }, { name: 'Gina' }), { code: 'VALIDATION_FAILED', status: 400 })
  await hugo.soFar()
  await signIn(t, parley, 'gina', { token: parley.token('gina', { name: 'Gina B.' }) })
  t.match((await hugo.next('user_updated')).data, { user: { displayName: 'Gina B.' } }, 'by WebSocket')
  await Promise.all(Array.from({ length: 8 }, () => patch('gina', { settings: {} }, { name: 'Gina C.' })))
  t.equal((await hugo.soFar('user_updated')).length, 1, 'once, however many come with it at the same time')
})

t.end()
