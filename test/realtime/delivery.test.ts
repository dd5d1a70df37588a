// Who gets which frame, and how much of it.
import t from 'tap'
import type { EventData } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { matchEach } from '../helpers/match.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn, type Event, type Socket } from '../helpers/socket.ts'
import { makeDirect, makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)

/** The frames of a chat that have come and nobody has looked at yet, those that have a revision. */
async function framesOf (socket: Socket, chatId: string): Promise<Event[]> {
  return (await socket.soFar()).filter(event => event.chatId === chatId && event.revision !== undefined)
}
const bare = ({ type, chatId, previousRevision, revision }: Event) => ({ type, chatId, previousRevision, revision })

t.test('a message goes to every connection of every member, the sender’s too', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const sockets = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob'), await signIn(t, parley, 'bob')]
  const stranger = await signIn(t, parley, 'zoe')
  const message = await send(parley, 'alice', chatId, 'hello')
  for (const socket of sockets) {
    const event = await socket.next('message_received')
    t.strictSame(event.data.message, message)
    t.strictSame(bare(event), { type: 'message_received', chatId, previousRevision: 3, revision: 4 })
  }
  t.strictSame(await stranger.soFar('message_received'), [])
})

t.test('what the blocker gets of somebody whom they block', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'blocker'])
  await request(parley, 'blocker', 'PUT', '/blocks/bob')
  const [alice, blocker] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'blocker')]
  const { id } = await send(parley, 'bob', chatId, 'secret', { metadata: { also: 'secret' } })
  await request(parley, 'bob', 'PUT', `/messages/${id}`, { content: 'still secret' })
  await request(parley, 'alice', 'DELETE', `/messages/${id}?scope=everyone`)
  await send(parley, 'alice', chatId, 'not secret')
  const [full, redacted] = [await framesOf(alice, chatId), await framesOf(blocker, chatId)]
  t.strictSame(redacted.map(bare), full.map(bare), 'the same frames')
  const messages = redacted.map(({ data }) => (data as EventData<'message_edited'>).message)
  t.match(messages.slice(0, 3), Array.from({ length: 3 }, () => ({ id, senderId: 'bob', content: null, metadata: {}, attachments: [], fromBlocked: true })))
  t.match(messages[3], { content: 'not secret', fromBlocked: undefined })
  t.notOk(JSON.stringify(redacted.slice(0, 3)).includes('secret'))
  t.match(full[0]?.data, { message: { content: 'secret', metadata: { also: 'secret' } } }, 'others see it')
  const { watermark, ...first } = full[0]?.data as EventData<'message_received'>
  t.match(watermark, { userId: 'bob', readSeq: 1 })
  t.strictSame(redacted[0]?.data, { ...first, message: { ...first.message, content: null, metadata: {}, fromBlocked: true } }, 'and nothing else is different, but that they are not told what bob has read')

  await request(parley, 'blocker', 'DELETE', '/blocks/bob')
  await send(parley, 'bob', chatId, 'forgiven')
  matchEach(t, await framesOf(blocker, chatId), [{ data: { message: { content: 'forgiven' } } }])
})

t.test('what is older than a member is skipped for them: the numbers alone', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'cleared'])
  const { id } = await send(parley, 'bob', chatId, 'old')
  await request(parley, 'cleared', 'POST', `/sessions/${chatId}/clear`)
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['late'] })
  const [alice, late, cleared] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'late'), await signIn(t, parley, 'cleared')]
  await request(parley, 'bob', 'PUT', `/messages/${id}`, { content: 'edited' })
  await request(parley, 'bob', 'DELETE', `/messages/${id}?scope=everyone`)
  const full = await framesOf(alice, chatId)
  t.strictSame(full.map(({ type }) => type), ['message_edited', 'message_deleted'])
  const skipped = full.map(({ previousRevision, revision }) => ({ type: 'revision_skipped', chatId, previousRevision, revision, data: {} }))
  t.strictSame(await framesOf(late, chatId), skipped)
  t.strictSame(await framesOf(cleared, chatId), skipped)

  const newer = await send(parley, 'bob', chatId, 'new')
  await alice.command('clear_chat', { chatId })
  await request(parley, 'bob', 'PUT', `/messages/${newer.id}`, { content: 'edited' })
  t.strictSame((await framesOf(alice, chatId)).map(({ type }) => type), ['message_received', 'revision_skipped'], 'who clears the history while being here, too')
  t.strictSame((await framesOf(late, chatId)).map(({ type }) => type), ['message_received', 'message_edited'])
})

t.test('who is removed gets the frame that says so, and nothing after it', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  await request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/bob`)
  await send(parley, 'alice', chatId, 'without bob')
  await request(parley, 'alice', 'PATCH', `/sessions/${chatId}`, { name: 'Without Bob' })
  await alice.command('typing_start', { chatId })
  const left = await bob.next('participant_left')
  t.match(left.data, { participants: [{ userId: 'bob', state: 'REMOVED' }], reason: 'removed', actorId: 'alice', message: { system: { kind: 'participant_removed', targetIds: ['bob'] } } })
  t.strictSame((await bob.next('inbox_updated')).data.removed, [chatId])
  t.strictSame((await bob.soFar()).filter(event => event.chatId === chatId), [])
  t.strictSame((await framesOf(alice, chatId)).map(({ type }) => type), ['participant_left', 'message_received', 'chat_updated'])
  await t.rejects(bob.command('get_history', { chatId }), { code: 'CHAT_NOT_FOUND' })
})

t.test('who is added gets everything from then on, and who comes back, too', async t => {
  const chatId = await makeGroup(parley, 'alice')
  await send(parley, 'alice', chatId, 'before')
  const bob = await signIn(t, parley, 'bob')
  for (const [n, text] of ['first time', 'again'].entries()) {
    await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['bob'] })
    const joined = await bob.next('participant_joined')
    t.match(joined.data, { participants: [{ userId: 'bob', state: 'JOINED' }], reason: 'added', actorId: 'alice', message: { system: { kind: 'participants_added' } } }, text)
    t.match((await bob.next('inbox_updated')).data, { memberships: [{ chatId, state: 'JOINED', role: 'MEMBER' }] })
    await send(parley, 'alice', chatId, text)
    const received = await bob.next('message_received')
    t.equal(received.previousRevision, joined.revision, 'without a gap')
    await request(parley, 'alice', 'PUT', `/messages/${chatId}.1`, { content: `edited ${n}` })
    t.equal((await bob.next('revision_skipped')).previousRevision, received.revision)
    await request(parley, 'bob', 'DELETE', `/sessions/${chatId}`)
    await bob.next('participant_left')
    await bob.next('inbox_updated')
    await send(parley, 'alice', chatId, 'while bob is away')
    t.strictSame(await framesOf(bob, chatId), [])
  }
})

t.test('a new chat is announced to all members who are here', async t => {
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  const groupId = await makeGroup(parley, 'alice', ['bob'])
  const directId = await makeDirect(parley, 'alice', 'bob2')
  for (const socket of [alice, bob]) {
    const event = await socket.next('chat_created', ({ chatId }) => chatId === groupId)
    t.match(event, { previousRevision: 0, revision: 3, data: { chat: { id: groupId }, membership: null, head: { lastRevision: 3, memberCount: 2 } } })
    t.strictSame(event.data.participants.map(({ userId, role }) => [userId, role]), [['alice', 'OWNER'], ['bob', 'MEMBER']])
  }
  t.match(await alice.next('chat_created', ({ chatId }) => chatId === directId), { revision: 3 })
  await send(parley, 'alice', groupId, 'hello')
  t.match(await bob.next('message_received', ({ chatId }) => chatId === groupId), { previousRevision: 3, revision: 4 })
})

t.test('a chat that is deleted for everyone', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  await request(parley, 'alice', 'DELETE', `/sessions/${chatId}?scope=everyone`)
  for (const socket of [alice, bob]) t.strictSame(await socket.next('chat_deleted'), { type: 'chat_deleted', chatId, data: { chatId } })
  await t.rejects(bob.command('send_message', { chatId, content: 'too late' }), { code: 'CHAT_NOT_FOUND' })
})

t.test('commands about one chat are answered in their order, those about others go on', async t => {
  const [held, free] = [await makeGroup(parley, 'alice'), await makeGroup(parley, 'alice')]
  const alice = await signIn(t, parley, 'alice')
  const done: string[] = []
  const note = (name: string) => () => { done.push(name) }
  await Promise.all([
    alice.command('update_chat', { chatId: held, name: 'one' }).then(note('one')),
    alice.command('send_message', { chatId: held.toUpperCase(), content: 'two' }).then(note('two')),
    alice.command('send_message', { chatId: held, content: 'three' }).then(note('three')),
    alice.command('delete_message', { messageId: `${held}.1`, scope: 'everyone' }).then(note('four')),
    alice.command('get_chat', { chatId: held }).then(({ chat, head }) => t.match([chat.name, head.lastSeq], ['one', 2])).then(note('five')),
    alice.command('ping', {}),
  ])
  t.strictSame(done, ['one', 'two', 'three', 'four', 'five'])
  t.match(await alice.command('send_message', { chatId: free, content: 'free' }), { message: { seq: 1 } })
})

t.end()
