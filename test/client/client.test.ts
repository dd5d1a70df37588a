import t, { type Test } from 'tap'
import { createClient, type ClientOptions } from '../../src/client/client.ts'
import { afterClose } from '../../src/client/close-codes.ts'
import { backoff } from '../../src/client/clock.ts'
import { FakeClock, FakeNetwork, SYNCED } from '../helpers/fake-server.ts'
import { CHAT, head, membership, message, page, received, redacted, reset } from '../helpers/samples.ts'

const WITH_CHAT = { ...SYNCED, inboxRevision: 5, memberships: [membership(5)], heads: [head(13)] }
const MESSAGE = { chatId: CHAT, content: 'Hello' }

function setup (t: Test, options: Partial<ClientOptions> = {}) {
  const network = new FakeNetwork()
  const clock = new FakeClock()
  let tokens = 0
  const client = createClient({ url: 'ws://chat', token: () => `token${++tokens}`, WebSocket: network.WebSocket, clock, ...options })
  t.teardown(() => client.stop())
  client.start()
  return { client, network, clock }
}

/** One who is in a chat, and has loaded it. */
async function setupChat (t: Test) {
  const { client, network, clock } = setup(t)
  const socket = await network.socket(1)
  socket.authenticate()
  socket.reply(await socket.next('sync'), WITH_CHAT)
  socket.reply(await socket.next('changes'), reset(13, { messages: [message(1)] }))
  await client.whenSynced()
  return { client, network, clock, socket }
}

t.test('opens the socket with the token in a subprotocol, and syncs', async t => {
  const { client, network } = setup(t)
  const statuses: string[] = [client.status]
  client.on('status', status => statuses.push(status))
  const socket = await network.socket(1)
  t.equal(socket.url, 'ws://chat')
  t.same(socket.protocols, ['parley.v1', 'bearer.token1'])
  await socket.welcome()
  await client.whenSynced()
  t.same(statuses, ['connecting', 'syncing', 'live'])
  t.match(client.state, { userId: 'alice', epoch: 'one', inboxStale: false })
})

t.test('commands', async t => {
  t.test('wait for the connection, and are answered by their id', async t => {
    const { client, network } = setup(t)
    const first = client.command('get_unread', {})
    const second = client.command('get_blocks', {})
    const socket = await network.socket(1)
    t.same(socket.waiting, [])
    socket.authenticate()
    const [unread, blocks] = [await socket.next('get_unread'), await socket.next('get_blocks')]
    socket.reply(blocks, { data: [], users: {}, nextCursor: null })
    socket.reply(unread, { totalUnread: 1, totalMentions: 0, chats: [] })
    t.match(await first, { totalUnread: 1 })
    t.match(await second, { data: [] })
  })
  t.test('are refused with the code of the server', async t => {
    const { client, network } = setup(t)
    const socket = await network.socket(1)
    await socket.welcome()
    const refused = client.command('get_chat', { chatId: CHAT })
    socket.refuse(await socket.next('get_chat'), 'RATE_LIMITED', { retryable: true, retryAfterMs: 50 })
    await t.rejects(refused, { name: 'ClientError', code: 'RATE_LIMITED', retryable: true, retryAfterMs: 50 })
  })
  t.test('of which the server takes no more wait', async t => {
    const { client, network } = setup(t)
    const socket = await network.socket(1)
    socket.authenticate({ limits: { maxFrameBytes: 1, maxCommandsInFlight: 2, commandsPerSecond: 0 } })
    socket.reply(await socket.next('sync'), SYNCED)
    await client.whenSynced()
    const commands = [client.command('get_unread', {}), client.command('get_unread', {}), client.command('get_unread', {})]
    const first = await socket.next('get_unread')
    await socket.next('get_unread')
    t.same(socket.waiting, [])
    socket.reply(first, { totalUnread: 0 })
    await commands[0]
    t.equal((await socket.next('get_unread')).type, 'get_unread')
    client.stop()
    await Promise.allSettled(commands)
  })
  t.test('are rejected when the connection breaks', async t => {
    const { client, network } = setup(t)
    const socket = await network.socket(1)
    await socket.welcome()
    const lost = client.command('get_unread', {})
    await socket.next('get_unread')
    socket.drop()
    await t.rejects(lost, { code: 'CONNECTION_LOST', retryable: true })
  })
  t.test('are rejected after stop', async t => {
    const { client, network } = setup(t)
    const waiting = client.command('get_unread', {})
    const synced = client.whenSynced()
    client.stop()
    await t.rejects(waiting, { code: 'CLIENT_STOPPED' })
    await t.rejects(synced, { code: 'CLIENT_STOPPED' })
    await t.rejects(client.command('get_unread', {}), { code: 'CLIENT_STOPPED' })
    t.equal(network.sockets.length, 0)
  })
})

t.test('send', async t => {
  t.test('goes again with the same key after the connection broke', async t => {
    const { client, network, clock } = setup(t)
    const first = await network.socket(1)
    await first.welcome()
    const sent = client.send(MESSAGE)
    const { data } = await first.next('send_message')
    t.type(data.clientMessageId, 'string')
    first.drop()
    await clock.awaited(1000)
    clock.pass(1000)
    const second = await network.socket(2)
    second.authenticate()
    const again = await second.next('send_message')
    t.same(again.data, data)
    second.reply(again, { message: message(1), duplicate: true })
    t.match(await sent, { duplicate: true })
  })
  t.test('goes again when the outcome is not known, and keeps a key that was given', async t => {
    const { client, network } = setup(t)
    const socket = await network.socket(1)
    await socket.welcome()
    const sent = client.send({ ...MESSAGE, clientMessageId: 'mine' })
    socket.refuse(await socket.next('send_message'), 'OUTCOME_UNKNOWN', { retryable: true })
    const again = await socket.next('send_message')
    t.equal(again.data.clientMessageId, 'mine')
    socket.reply(again, { message: message(1), duplicate: false })
    await sent
  })
  t.test('is refused as the server refuses', async t => {
    const { client, network } = setup(t)
    const socket = await network.socket(1)
    await socket.welcome()
    const sent = client.send(MESSAGE)
    socket.refuse(await socket.next('send_message'), 'SILENCED')
    await t.rejects(sent, { code: 'SILENCED' })
  })
  t.test('shows in the store at once, and does not move the cursor', async t => {
    const { client, socket } = await setupChat(t)
    const sent = client.send(MESSAGE)
    socket.reply(await socket.next('send_message'), { message: message(3, { revision: 15 }), duplicate: false })
    await sent
    t.same([...client.state.chats.get(CHAT)?.messages.keys() ?? []], [1, 3])
    t.equal(client.state.chats.get(CHAT)?.cursor, 13)
  })
})

t.test('comes back with full jitter', async t => {
  const clock = new FakeClock()
  t.same([0, 1, 2, 3, 4, 5, 6, 40].map(attempt => backoff(clock, attempt)), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  clock.chance = 0.5
  t.same([0, 5].map(attempt => backoff(clock, attempt)), [500, 15_000])
})

t.test('waits longer each time, until it has been live', async t => {
  const { client, network, clock } = setup(t)
  for (const [attempt, wait] of [1000, 2000, 4000].entries()) {
    const socket = await network.socket(attempt + 1)
    socket.authenticate()
    socket.drop(4001)
    await clock.awaited(wait)
    t.equal(client.status, 'waiting')
    clock.pass(wait)
  }
  const socket = await network.socket(4)
  await socket.welcome()
  await client.whenSynced()
  socket.drop()
  await clock.awaited(1000)
})

t.test('close codes', async t => {
  for (const [code, next] of [[1006, 'reconnect'], [1001, 'reconnect'], [4000, 'reconnect'], [4001, 'reconnect'], [4002, 'reconnect'], [4101, 'renew'], [4102, 'forget'],
    [4103, 'slow-down'], [4199, 'reconnect'], [4400, 'stop'], [4401, 'stop'], [4403, 'stop'], [4409, 'stop'], [4426, 'stop'], [1009, 'stop']] as const) {
    t.equal(afterClose(code), next, String(code))
  }
  t.test('44xx and 1009: the client stops, and what was sent is not sent again', async t => {
    const { client, network, clock } = setup(t)
    const socket = await network.socket(1)
    await socket.welcome()
    await client.whenSynced()
    const sent = client.send(MESSAGE)
    await socket.next('send_message')
    const closed = new Promise(resolve => client.on('closed', resolve))
    socket.drop(1009)
    await t.rejects(sent, { code: 'CLIENT_STOPPED' })
    t.equal(await closed, 1009)
    t.equal(client.status, 'stopped')
    t.same(clock.waits, [])
  })
  t.test('4101: comes back with a fresh token', async t => {
    const { network, clock } = setup(t)
    const socket = await network.socket(1)
    socket.authenticate()
    socket.drop(4101)
    await clock.awaited(1000)
    clock.pass(1000)
    t.same((await network.socket(2)).protocols, ['parley.v1', 'bearer.token2'])
  })
  t.test('4102: what is here is forgotten', async t => {
    const { client, socket } = await setupChat(t)
    socket.drop(4102)
    t.match(client.state, { epoch: null, inboxRevision: 0 })
    t.equal(client.state.chats.size, 0)
  })
  t.test('4103: comes back late', async t => {
    const { network, clock } = setup(t)
    const socket = await network.socket(1)
    await socket.welcome()
    socket.drop(4103)
    await clock.awaited(16_000)
  })
})

t.test('a token that expires is renewed on the open connection', async t => {
  const { network } = setup(t)
  const socket = await network.socket(1)
  await socket.welcome()
  socket.say({ type: 'token_expiring', data: { inMs: 60_000 } })
  t.same((await socket.next('authenticate')).data, { token: 'token2' })
})

t.test('no token: tries again later', async t => {
  let fails = true
  const { network, clock } = setup(t, { token: async () => { if (fails) throw new Error('down'); return 'late' } })
  await clock.awaited(1000)
  t.equal(network.sockets.length, 0)
  fails = false
  clock.pass(1000)
  t.same((await network.socket(1)).protocols, ['parley.v1', 'bearer.late'])
})

t.test('a connection that', async t => {
  t.test('does not open is given up', async t => {
    const { network, clock } = setup(t)
    const socket = await network.socket(1)
    clock.pass(20_000)
    t.equal(socket.closedWith, 1005)
    await clock.awaited(1000)
  })
  t.test('is silent is asked, and given up when it does not answer', async t => {
    const { client, network, clock } = setup(t)
    const socket = await network.socket(1)
    await socket.welcome()
    await client.whenSynced()
    clock.pass(25_000)
    socket.reply(await socket.next('ping'), {}, 'pong')
    clock.pass(25_000)
    await socket.next('ping')
    t.equal(client.status, 'live')
    clock.pass(10_000)
    t.equal(client.status, 'waiting')
    socket.drop()
    t.same(clock.waits, [1000], 'its late close is no news')
  })
})

t.test('after coming back it asks for what it lacks', async t => {
  const { client, network, clock, socket } = await setupChat(t)
  socket.drop()
  await clock.awaited(1000)
  clock.pass(1000)
  const again = await network.socket(2)
  again.authenticate()
  const sync = await again.next('sync')
  t.same(sync.data, { epoch: 'one', inboxRevision: 5 })
  t.same(again.waiting, [], 'first the memberships, then the chats')
  again.say(received(3, 15))
  again.reply(sync, { ...SYNCED, reset: false, inboxRevision: 5, heads: [head(14)] })
  const changes = await again.next('changes')
  t.same(changes.data, { chatId: CHAT, since: 13 })
  again.reply(changes, page(13, 14, { messages: [message(2, { revision: 14 })] }))
  await client.whenSynced()
  t.same([...client.state.chats.get(CHAT)?.messages.keys() ?? []].sort(), [1, 2, 3])
  t.equal(client.state.chats.get(CHAT)?.cursor, 15)
})

t.test('a gap in a chat is fetched, in as many pages as it takes', async t => {
  const { client, socket } = await setupChat(t)
  client.on('state', () => t.equal(client.status, 'syncing', 'known when the state is told'))
  socket.say(received(9, 20))
  const first = await socket.next('changes')
  t.same(first.data, { chatId: CHAT, since: 13 })
  socket.reply(first, page(13, 16, { hasMore: true }))
  const second = await socket.next('changes')
  t.same(second.data, { chatId: CHAT, since: 16 })
  socket.reply(second, page(16, 19))
  await client.whenSynced()
  t.equal(client.state.chats.get(CHAT)?.cursor, 20)
})

t.test('an answer that does not help is asked for again, but not at once', async t => {
  const { socket, clock } = await setupChat(t)
  socket.say(received(9, 20))
  socket.reply(await socket.next('changes'), page(13, 13))
  await clock.awaited(1000)
  t.same(socket.waiting, [])
  clock.pass(1000)
  await socket.next('changes')
})

t.test('a request that fails is made again after the time that the server names', async t => {
  const { socket, clock } = await setupChat(t)
  socket.say(received(9, 20))
  socket.refuse(await socket.next('changes'), 'RATE_LIMITED', { retryable: true, retryAfterMs: 123 })
  await clock.awaited(123)
  clock.pass(123)
  socket.reply(await socket.next('changes'), page(13, 19))
})

t.test('a gap in the inbox is synced, over all pages', async t => {
  const { client, socket } = await setupChat(t)
  socket.say({ type: 'inbox_updated', data: { previousInboxRevision: 6, inboxRevision: 7, memberships: [], hidden: [], removed: [] } })
  const first = await socket.next('sync')
  t.same(first.data, { epoch: 'one', inboxRevision: 5 })
  socket.reply(first, { ...SYNCED, reset: false, inboxRevision: 7, nextCursor: 'more' })
  const second = await socket.next('sync')
  t.same(second.data, { epoch: 'one', inboxRevision: 5, cursor: 'more' })
  socket.reply(second, { ...SYNCED, reset: false, inboxRevision: 7, heads: [head(13)] })
  await client.whenSynced()
  t.equal(client.state.inboxRevision, 7)
})

t.test('EPOCH_CHANGED: starts over', async t => {
  const { client, socket, clock } = await setupChat(t)
  socket.say(received(9, 20))
  socket.refuse(await socket.next('changes'), 'EPOCH_CHANGED')
  await clock.awaited(1000)
  t.equal(client.state.chats.size, 0)
  clock.pass(1000)
  const sync = await socket.next('sync')
  t.same(sync.data, { inboxRevision: 0 })
  socket.reply(sync, { ...SYNCED, epoch: 'two' })
  await client.whenSynced()
  t.equal(client.state.epoch, 'two')
})

t.test('CHAT_NOT_FOUND', async t => {
  t.test('drops the chat', async t => {
    const { client, socket } = await setupChat(t)
    socket.say(received(9, 20))
    socket.refuse(await socket.next('changes'), 'CHAT_NOT_FOUND')
    await client.whenSynced()
    t.equal(client.state.chats.size, 0)
  })
  t.test('does not, when the user has joined again meanwhile', async t => {
    const { client, socket } = await setupChat(t)
    socket.say(received(9, 20))
    const old = await socket.next('changes')
    socket.say({ type: 'inbox_updated', data: { previousInboxRevision: 5, inboxRevision: 7, memberships: [membership(7, { joinRevision: 30 })], hidden: [], removed: [] } })
    socket.refuse(old, 'CHAT_NOT_FOUND')
    const again = await socket.next('changes')
    t.same(again.data, { chatId: CHAT, since: 0 })
    socket.reply(again, reset(31))
    await client.whenSynced()
    t.equal(client.state.chats.get(CHAT)?.cursor, 31)
  })
})

t.test('after an unblocking the contents are read again, downwards', async t => {
  const { client, socket } = await setupChat(t)
  socket.say({ type: 'inbox_updated', data: { previousInboxRevision: 5, inboxRevision: 6, memberships: [], hidden: [], removed: [], blocks: ['bob'] } })
  t.same(client.state.chats.get(CHAT)?.messages.get(1), redacted(1))
  socket.say({ type: 'inbox_updated', data: { previousInboxRevision: 6, inboxRevision: 7, memberships: [], hidden: [], removed: [], blocks: [] } })
  const history = await socket.next('get_history')
  t.same(history.data, { chatId: CHAT, before: 2, limit: 100 })
  socket.reply(history, { data: [message(1)], related: {}, users: {}, watermarks: [], nextCursor: null })
  await client.whenSynced()
  t.same(client.state.chats.get(CHAT)?.messages.get(1), message(1))
})

t.test('loadOlder', async t => {
  const { client, network } = setup(t)
  const socket = await network.socket(1)
  socket.authenticate()
  socket.reply(await socket.next('sync'), WITH_CHAT)
  socket.reply(await socket.next('changes'), reset(13, { messages: [message(3)], hasOlder: true }))
  await client.whenSynced()
  const loading = client.loadOlder(CHAT)
  const asked = await socket.next('get_history')
  t.same(asked.data, { chatId: CHAT, before: 3, limit: 50 })
  socket.reply(asked, { data: [message(1), message(2)], nextCursor: null })
  await loading
  t.match(client.state.chats.get(CHAT), { hasOlder: false, fromSeq: 1 })
  t.equal(client.state.chats.get(CHAT)?.messages.size, 3)
  await client.loadOlder(CHAT)
  t.same(socket.waiting, [], 'there is nothing older')
})

t.test('events are told by their type, errors without a command too', async t => {
  const { client, network } = setup(t)
  const socket = await network.socket(1)
  await socket.welcome()
  const heard: unknown[] = []
  const off = client.on('user_typing', frame => heard.push(frame.data))
  client.on('error', frame => heard.push(frame.data.code))
  socket.say({ type: 'user_typing', chatId: CHAT, data: { userId: 'bob', at: 'now' } })
  socket.say({ type: 'error', error: { code: 'VALIDATION_FAILED', message: '', retryable: false } })
  off()
  socket.say({ type: 'user_typing', chatId: CHAT, data: { userId: 'carol', at: 'now' } })
  t.same(heard, [{ userId: 'bob', at: 'now' }, 'VALIDATION_FAILED'])
})
