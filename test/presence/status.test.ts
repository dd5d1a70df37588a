// What people say of themselves, and who is told.
import t, { type Test } from 'tap'
import { request, until as untilState, startClient } from '../helpers/live.ts'
import { startParley, type Parley } from '../helpers/parley.ts'
import { signIn, type Socket } from '../helpers/socket.ts'
import { makeGroup } from '../helpers/world.ts'

interface Presence { userId: string, status: string, statusText: string | null, lastSeenAt: string | null }
const QUICK = { PRESENCE_LEASE_SECONDS: '0.6', PRESENCE_GRACE_SECONDS: '0.3' }
const presenceOf = (parley: Parley, viewer: string, userId: string) => request<Presence>(parley, viewer, 'GET', `/users/${userId}/presence`)
const say = (parley: Parley, userId: string, body: object) => request<Presence>(parley, userId, 'PUT', '/presence', body)
const of = (userId: string) => ({ data }: { data: { userId: string } }) => data.userId === userId
const CHANGES = ['presence_update', 'user_online', 'user_offline'] as const

/** Once it is known to be online. */
async function online (t: Test, parley: Parley, userId: string): Promise<Socket> {
  const socket = await signIn(t, parley, userId)
  while (!(await socket.command('get_online_users', { chatId: await chatOf(parley, userId) })).userIds.includes(userId)) { /* its lease is being taken */ }
  return socket
}

const chatOf = async (parley: Parley, userId: string) => (await request<{ data: { chat: { id: string } }[] }>(parley, userId, 'GET', '/sessions')).data[0]?.chat.id ?? ''

t.test('away, busy, a text, and back', async t => {
  const parley = await startParley(t)
  await makeGroup(parley, 'alice', ['bob'])
  const [alice, phone] = [await online(t, parley, 'alice'), await online(t, parley, 'bob')]
  await alice.next('user_online', of('bob'))
  const desk = await signIn(t, parley, 'bob')
  const away = { userId: 'bob', status: 'AWAY', statusText: 'at lunch', lastSeenAt: null }
  t.strictSame(await phone.command('presence_update', { status: 'AWAY', statusText: 'at lunch' }), away)
  for (const socket of [alice, phone, desk]) t.strictSame((await socket.next('presence_update')).data, away, 'others, and my own devices')
  t.strictSame(await presenceOf(parley, 'alice', 'bob'), away)
  t.strictSame(await alice.command('get_presence', { userIds: ['bob'] }), { data: [away] })
  t.match(await request(parley, 'alice', 'GET', '/presence/online'), { userIds: ['bob'], onlineCount: 1 }, 'who is away is online')

  t.match(await say(parley, 'bob', { status: 'BUSY' }), { status: 'BUSY', statusText: 'at lunch' }, 'the text stays')
  t.match((await alice.next('presence_update')).data, { status: 'BUSY' })
  t.match(await phone.command('user_online', {}), { status: 'BUSY' }, 'who is busy stays so')
  await phone.command('presence_update', { status: 'AWAY' })
  t.match(await phone.command('user_online', { statusText: null }), { status: 'ONLINE', statusText: null })
  t.match((await alice.soFar('presence_update')).at(-1)?.data, { status: 'ONLINE', statusText: null })
})

t.test('what is said stays said', async t => {
  const parley = await startParley(t, QUICK)
  await makeGroup(parley, 'alice', ['bob'])
  const alice = await online(t, parley, 'alice')
  await say(parley, 'bob', { status: 'BUSY', statusText: 'writing' })
  t.match(await presenceOf(parley, 'alice', 'bob'), { status: 'OFFLINE', statusText: null }, 'who is not here is offline, whatever they say')
  t.match(await presenceOf(parley, 'bob', 'bob'), { status: 'BUSY', statusText: 'writing' })
  t.strictSame(await alice.soFar(...CHANGES), [])
  const bob = await signIn(t, parley, 'bob')
  t.match((await alice.next('user_online')).data, { userId: 'bob', status: 'BUSY', statusText: 'writing' })
  bob.ws.terminate()
  t.match((await alice.next('user_offline')).data, { userId: 'bob', status: 'OFFLINE', statusText: null, lastSeenAt: String })
})

t.test('who is invisible is offline to others, in everything', async t => {
  const parley = await startParley(t, QUICK)
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, phone, desk] = [await online(t, parley, 'alice'), await online(t, parley, 'bob'), await online(t, parley, 'bob')]
  await alice.next('user_online', of('bob'))
  await alice.command('join_chat', { chatId })
  await phone.command('typing_start', { chatId })
  await alice.next('user_typing')

  t.match(await phone.command('user_offline', {}), { status: 'INVISIBLE' })
  t.match((await desk.next('presence_update')).data, { userId: 'bob', status: 'INVISIBLE' }, 'my own devices know')
  await alice.next('user_stopped_typing')
  const { data } = await alice.next('user_offline')
  t.match(data, { userId: 'bob', status: 'OFFLINE', statusText: null, lastSeenAt: String }, 'told as somebody who goes')
  t.strictSame(await presenceOf(parley, 'alice', 'bob'), data)
  t.match(await presenceOf(parley, 'bob', 'bob'), { status: 'INVISIBLE' })
  for (const answer of [await alice.command('get_online_users', { chatId }), await alice.command('get_online_users', {}), await request(parley, 'alice', 'GET', `/sessions/${chatId}/online`)]) {
    t.notOk((answer as { userIds: string[] }).userIds.includes('bob'))
  }
  t.match(await alice.command('get_online_users', { chatId }), { onlineCount: 1 })
  t.match(await phone.command('get_online_users', { chatId }), { userIds: ['alice', 'bob'] }, 'to oneself one is there')

  await phone.command('typing_start', { chatId })
  await phone.command('presence_update', { status: 'INVISIBLE', statusText: 'still here' })
  t.strictSame(await alice.soFar(...CHANGES, 'user_typing'), [])
  t.match(await phone.command('user_online', {}), { status: 'ONLINE', statusText: 'still here' })
  t.match((await alice.next('user_online')).data, { status: 'ONLINE', statusText: 'still here' })

  // Coming and going unseen.
  await phone.command('user_offline', {})
  const seen = (await alice.next('user_offline')).data
  for (const socket of [phone, desk]) socket.ws.terminate()
  const bob = await signIn(t, parley, 'bob')
  await makeGroup(parley, 'alice', ['carol'])
  const carol = await signIn(t, parley, 'carol')
  await alice.next('user_online', of('carol'))
  bob.ws.terminate()
  carol.ws.terminate()
  await alice.next('user_offline', of('carol'))
  t.strictSame((await alice.soFar(...CHANGES)).filter(event => of('bob')(event as never)), [])
  t.strictSame(await presenceOf(parley, 'alice', 'bob'), seen, 'not even that they were seen')
})

t.test('who is invisible looks at a chat unseen', async t => {
  const parley = await startParley(t)
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  await say(parley, 'bob', { status: 'INVISIBLE' })
  const [alice, bob] = [await online(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  await alice.command('join_chat', { chatId })
  t.match(await bob.command('join_chat', { chatId }), { viewerCount: 2 }, 'oneself counts')
  t.match(await alice.command('join_chat', { chatId }), { viewerCount: 1 })
  await bob.command('leave_chat', { chatId })
  t.strictSame(await alice.soFar('user_joined_chat', 'user_left_chat'), [])
  await bob.command('join_chat', { chatId })
  await bob.command('user_online', {})
  t.match((await alice.next('user_joined_chat')).data, { userId: 'bob' }, 'who shows themselves comes')
  t.match(await alice.command('join_chat', { chatId }), { viewerCount: 2 })
  await bob.command('user_offline', {})
  t.match((await alice.next('user_left_chat')).data, { userId: 'bob' })
  bob.ws.terminate()
  t.strictSame(await alice.soFar('user_joined_chat', 'user_left_chat'), [])
})

t.test('last seen can be hidden from others', async t => {
  const parley = await startParley(t, QUICK)
  await makeGroup(parley, 'alice', ['bob'])
  await request(parley, 'bob', 'PATCH', '/me', { settings: { hideLastSeen: true } })
  const alice = await online(t, parley, 'alice')
  const bob = await signIn(t, parley, 'bob')
  await alice.next('user_online')
  bob.ws.terminate()
  t.match((await alice.next('user_offline')).data, { userId: 'bob', lastSeenAt: null })
  t.match(await presenceOf(parley, 'alice', 'bob'), { status: 'OFFLINE', lastSeenAt: null })
  t.match(await presenceOf(parley, 'bob', 'bob'), { status: 'OFFLINE', lastSeenAt: String }, 'not from oneself')
  await request(parley, 'bob', 'PATCH', '/me', { settings: { hideLastSeen: false } })
  t.match(await presenceOf(parley, 'alice', 'bob'), { status: 'OFFLINE', lastSeenAt: String })
})

t.test('people who block each other are told nothing, nor are strangers', async t => {
  const parley = await startParley(t)
  await makeGroup(parley, 'alice', ['bob', 'carol', 'dave'])
  const sockets = new Map<string, Socket>()
  for (const userId of ['alice', 'bob', 'carol', 'dave', 'zoe']) sockets.set(userId, await signIn(t, parley, userId))
  while ((await sockets.get('alice')?.command('get_online_users', {}))?.onlineCount !== 3) { /* leases are being taken */ }
  await request(parley, 'alice', 'PUT', '/blocks/bob')
  await request(parley, 'carol', 'PUT', '/blocks/alice')
  await sockets.get('alice')?.command('presence_update', { status: 'AWAY' })
  t.match((await sockets.get('dave')?.next('presence_update'))?.data, { userId: 'alice', status: 'AWAY' })
  for (const userId of ['bob', 'carol', 'zoe']) t.strictSame(await sockets.get(userId)?.soFar('presence_update'), [])
})

t.test('a client hears it', async t => {
  const parley = await startParley(t)
  await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = [await startClient(t, parley, 'alice'), await startClient(t, parley, 'bob')]
  const heard = new Promise<Presence>(resolve => alice.on('presence_update', ({ data }) => resolve(data)))
  while (!(await alice.command('get_online_users', {})).userIds.includes('bob')) { /* its lease is being taken */ }
  await untilState(bob, ({ chats }) => chats.size === 1)
  await bob.command('presence_update', { status: 'BUSY' })
  t.match(await heard, { userId: 'bob', status: 'BUSY' })
})

t.end()
