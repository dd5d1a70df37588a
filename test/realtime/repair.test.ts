// Frames that get lost between the commit and a socket: the next one shows it, and the database has the rest. Sweeps are far away here.
import t from 'tap'
import type { EventData } from '../../src/contract.ts'
import type { Frame } from '../../src/realtime/frames.ts'
import { request } from '../helpers/live.ts'
import { matchEach } from '../helpers/match.ts'
import { startParley } from '../helpers/parley.ts'
import { signIn, type Event, type Socket } from '../helpers/socket.ts'
import { UnreliableBus } from '../helpers/unreliable-bus.ts'
import { makeGroup, send } from '../helpers/world.ts'

const bus = new UnreliableBus()
const parley = await startParley(t, { SWEEP_SECONDS: '3600', MAX_COMMANDS_IN_FLIGHT: '1000' }, bus)
t.beforeEach(() => bus.heal())

const textsOf = ({ data }: Event<EventData<'changes'>>) => data.messages.map(message => message.content)
/** What has come of a chat, and nobody has looked at yet; but for notices, which come in their own time. */
async function soFar (socket: Socket, chatId: string): Promise<Event[]> {
  return (await socket.soFar()).filter(event => event.chatId === chatId && event.type !== 'unread_message')
}

t.test('a lost frame is made good by `changes`, once the next one has come', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const bob = await signIn(t, parley, 'bob')
  await send(parley, 'alice', chatId, 'one')
  const { revision } = await bob.next('message_received')
  bus.lose('message_received')
  await send(parley, 'alice', chatId, 'lost')
  bus.heal()
  await send(parley, 'alice', chatId, 'two')
  const changes = await bob.next('changes')
  t.equal(changes.chatId, chatId)
  t.match(changes.data, { since: revision, hasMore: false, head: { lastSeq: 3 } })
  t.strictSame(textsOf(changes), ['lost', 'two'])
  await send(parley, 'alice', chatId, 'three')
  matchEach(t, await soFar(bob, chatId), [{ type: 'message_received', data: { message: { content: 'three' } } }], 'and what it has brought is not said twice')
})

t.test('repeated and reordered frames arrive once, and in order', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const bob = await signIn(t, parley, 'bob')
  const late: Frame[] = []
  bus.tamper = frames => {
    late.push(...frames)
    return late.length < 5 ? [] : [...late.splice(0).reverse(), ...frames]
  }
  for (const text of ['one', 'two', 'three', 'four', 'five']) await send(parley, 'alice', chatId, text)
  const events = await soFar(bob, chatId)
  t.strictSame(events.map(({ type, data }) => [type, (data as EventData<'message_received'>).message.content]),
    ['one', 'two', 'three', 'four', 'five'].map(text => ['message_received', text]))
  for (const [index, event] of events.entries()) if (index > 0) t.equal(event.previousRevision, events[index - 1]?.revision)
})

t.test('more than a page is lost', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [alice, bob] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'bob')]
  bus.lose('message_received')
  await Promise.all(Array.from({ length: 450 }, (_, n) => alice.command('send_message', { chatId, content: `lost ${n}` })))
  bus.heal()
  await send(parley, 'alice', chatId, 'the next')
  const seqs: number[] = []
  for (let hasMore = true; hasMore;) {
    const { data } = await bob.next('changes')
    seqs.push(...data.messages.map(message => message.seq))
    hasMore = !('reset' in data) && data.hasMore
  }
  t.strictSame(seqs, Array.from({ length: 451 }, (_, n) => n + 1))
})

t.test('each gets what is made good as they may see it', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'blocker'])
  const old = await send(parley, 'bob', chatId, 'before she came')
  await request(parley, 'blocker', 'PUT', '/blocks/bob')
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['late'] })
  const [alice, blocker, late] = [await signIn(t, parley, 'alice'), await signIn(t, parley, 'blocker'), await signIn(t, parley, 'late')]
  bus.lose('message_edited', 'message_received')
  await request(parley, 'bob', 'PUT', `/messages/${old.id}`, { content: 'edited' })
  await send(parley, 'bob', chatId, 'lost')
  bus.heal()
  await send(parley, 'alice', chatId, 'the next')
  t.strictSame(textsOf(await alice.next('changes')), ['edited', 'lost', 'the next'])
  const redacted = await blocker.next('changes')
  t.strictSame(textsOf(redacted), [null, null, 'the next'])
  matchEach(t, redacted.data.messages, [{ fromBlocked: true }, { fromBlocked: true }, { senderId: 'alice' }])
  t.strictSame(textsOf(await late.next('changes')), ['lost', 'the next'])
})

t.test('whose removal got lost gets nothing of what came after it', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol'])
  const [bob, carol] = [await signIn(t, parley, 'bob'), await signIn(t, parley, 'carol')]
  bus.lose('participant_left', 'inbox')
  await request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/bob`)
  bus.heal()
  await send(parley, 'alice', chatId, 'without bob')
  await carol.next('changes')
  await send(parley, 'alice', chatId, 'still without bob')
  await carol.next('message_received')
  t.strictSame(await soFar(bob, chatId), [])
})

t.test('whose inbox was not told of their removal gets nothing of what came after it, either', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob', 'carol'])
  const [bob, carol] = [await signIn(t, parley, 'bob'), await signIn(t, parley, 'carol')]
  bus.lose('inbox')
  await request(parley, 'alice', 'DELETE', `/sessions/${chatId}/participants/bob`)
  await send(parley, 'alice', chatId, 'without bob')
  await carol.next('message_received')
  matchEach(t, await soFar(bob, chatId), [{ type: 'participant_left' }])
})

t.test('whose being added got lost gets everything from then on', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const [bob, carol] = [await signIn(t, parley, 'bob'), await signIn(t, parley, 'carol')]
  bus.lose('participant_joined')
  await request(parley, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['carol'] })
  bus.heal()
  t.match((await carol.next('inbox_updated')).data, { memberships: [{ chatId, state: 'JOINED' }] }, 'by the inbox')
  await send(parley, 'alice', chatId, 'hello carol')
  await Promise.all([bob.next('changes'), carol.next('changes')])
  await send(parley, 'alice', chatId, 'and again')
  for (const socket of [bob, carol]) t.equal((await socket.next('message_received')).data.message.content, 'and again')
})

t.test('who is added to a chat that nobody here has followed, when the chat’s own frame got lost', async t => {
  const chatId = await makeGroup(parley, 'offline')
  const carol = await signIn(t, parley, 'carol')
  bus.lose('participant_joined')
  await request(parley, 'offline', 'POST', `/sessions/${chatId}/participants`, { userIds: ['carol'] })
  bus.heal()
  await carol.next('inbox_updated', ({ data }) => data.memberships.some(membership => membership.chatId === chatId))
  await send(parley, 'offline', chatId, 'hello carol')
  await Promise.race([carol.next('message_received', ({ chatId: id }) => id === chatId), carol.next('changes', ({ chatId: id }) => id === chatId)])
  t.pass('is told of what comes')
})

t.test('a lost frame of an inbox', async t => {
  const phone = await signIn(t, parley, 'erin')
  bus.lose('inbox')
  await request(parley, 'erin', 'PUT', '/blocks/bob')
  bus.heal()
  await request(parley, 'erin', 'PUT', '/blocks/carol')
  const { data } = await phone.next('inbox_updated')
  t.match(data, { previousInboxRevision: 0, inboxRevision: 2 })
  t.strictSame(data.blocks?.toSorted(), ['bob', 'carol'])
  t.strictSame(await phone.soFar('inbox_updated'), [])
})

t.test('a chat is deleted, and the frame before that got lost', async t => {
  const chatId = await makeGroup(parley, 'alice', ['bob'])
  const bob = await signIn(t, parley, 'bob')
  bus.lose('message_received')
  await send(parley, 'alice', chatId, 'lost')
  bus.heal()
  await request(parley, 'alice', 'DELETE', `/sessions/${chatId}?scope=everyone`)
  t.strictSame((await bob.next('chat_deleted')).data, { chatId })
})

t.end()
