// Who looks at a chat.
import t from 'tap'
import { request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn } from '../helpers/socket.ts'
import { connectSql } from '../helpers/sql.ts'
import { makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)

t.test('whoever looks learns of the chat, and of who else is there', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol'])
  await send(parley, 'alice', chatId, 'hello')
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  while ((await alice.command('get_online_users', { chatId })).onlineCount < 2); // leases are taken beside the sign-in
  t.match(await alice.command('join_chat', { chatId }), {
    chat: { id: chatId }, lastMessage: { content: 'hello' }, membership: { chatId }, onlineUsers: ['alice', 'bob'], onlineCount: 2, viewerCount: 1, watermarks: [{ userId: 'alice', readSeq: 1 }, { userId: 'bob', readSeq: 0 }, { userId: 'carol' }],
  })
  t.match(await bob.command('join_chat', { chatId: chatId.toUpperCase() }), { viewerCount: 2 })
  t.match(await alice.next('user_joined_chat'), { chatId, data: { userId: 'bob' } })
  t.strictSame(await bob.command('leave_chat', { chatId }), { chatId })
  t.match(await alice.next('user_left_chat'), { chatId, data: { userId: 'bob' } })
  t.strictSame(await bob.soFar('user_joined_chat', 'user_left_chat'), [], 'nobody is told of themselves, and who does not look is told of nobody')
})

t.test('a user with two devices looks until the last of them does not', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const alice = await signIn(t, parley, 'alice')
  const [phone, desk] = [await signIn(t, parley, 'bob'), await signIn(t, parley, 'bob')]
  await alice.command('join_chat', { chatId })
  await phone.command('join_chat', { chatId })
  t.match(await desk.command('join_chat', { chatId }), { viewerCount: 2 }, 'people, not devices')
  await phone.command('leave_chat', { chatId })
  await alice.next('user_joined_chat')
  t.strictSame(await alice.soFar('user_joined_chat', 'user_left_chat'), [])
  desk.ws.terminate()
  t.match(await alice.next('user_left_chat'), { data: { userId: 'bob' } }, 'also when it has just gone')
})

t.test('only members look, and only who looks can leave', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, stranger] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'zoe')]
  await t.rejects(stranger.command('join_chat', { chatId }), { code: 'CHAT_NOT_FOUND' })
  await t.rejects(stranger.command('leave_chat', { chatId }), { code: 'CHAT_NOT_FOUND' })
  await t.rejects(alice.command('leave_chat', { chatId }), { code: 'NOT_IN_CHAT' })
})

t.test('who is removed looks no longer', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  await alice.command('join_chat', { chatId })
  await bob.command('join_chat', { chatId })
  await request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/bob`)
  t.match(await alice.next('user_left_chat'), { data: { userId: 'bob' } })
  await t.rejects(bob.command('leave_chat', { chatId }), { code: 'CHAT_NOT_FOUND' })
})

t.test('people who block each other do not see each other look', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol'])
  await request(parley, 'alice', 'PUT', '/blocks/bob')
  const [alice, bob, carol] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob'), await signIn(t, parley, 'carol')]
  for (const socket of [carol, alice, bob]) await socket.command('join_chat', { chatId })
  for (const socket of [alice, bob]) await socket.command('leave_chat', { chatId })
  t.strictSame((await carol.soFar('user_joined_chat', 'user_left_chat')).map(({ type, data }) => [type, (data as { userId: string }).userId]),
    [['user_joined_chat', 'alice'], ['user_joined_chat', 'bob'], ['user_left_chat', 'alice'], ['user_left_chat', 'bob']])
  t.strictSame(await alice.soFar('user_joined_chat', 'user_left_chat'), [])
  t.strictSame(await bob.soFar('user_joined_chat', 'user_left_chat'), [])
  await request(parley, 'alice', 'DELETE', '/blocks/bob')
})

t.test('a device that ends while it begins to look is not left looking', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [phone, desk, alice] = [await signIn(t, parley, 'bob'), await signIn(t, parley, 'bob'), await signIn(t, parley, 'alice')]
  const sql = await connectSql(t, parley)
  await sql.rows('BEGIN')
  await sql.rows('LOCK TABLE chat.presence_lease IN ACCESS EXCLUSIVE MODE')
  phone.ws.send(JSON.stringify({ type: 'join_chat', data: { chatId } }))
  await sql.until("EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'chat.presence_lease'::regclass)")
  const [server] = parley.app.hub.roster.peersOf('bob')
  phone.ws.terminate()
  while (parley.app.hub.roster.peersOf('bob').includes(server!)) await new Promise(resolve => setImmediate(resolve))
  await sql.rows('COMMIT')
  for (let n = 0; n < 3; n++) await desk.command('get_online_users', { chatId }) // by then the other command has ended, too
  t.match(await alice.command('join_chat', { chatId }), { viewerCount: 1 })
})

t.end()
