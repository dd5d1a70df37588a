// What holds between the nodes of one deployment, whichever bus is between them. The sweep is too slow to help: it is the bus.
import type { Test } from 'tap'
import type { Message } from '../../src/contract.ts'
import { request } from '../helpers/live.ts'
import { startNodes } from '../helpers/nodes.ts'
import type { Parley } from '../helpers/parley.ts'
import { signIn, type Socket } from '../helpers/socket.ts'
import { makeDirect, makeGroup, send } from '../helpers/world.ts'

const NO_SWEEP = { SWEEP_SECONDS: '600' }

/** The messages that the socket is told of, in the order of the frames, until the one with this content has come. */
async function messagesUntil (socket: Socket, chatId: string, content: string): Promise<Message[]> {
  const messages: Message[] = []
  let covered = 0
  while (!messages.some(message => message.content === content)) {
    const event = await socket.nextThat(event => event.chatId === chatId && ['message_received', 'changes'].includes(event.type), 'messages')
    const { message, messages: page = [], upTo } = event.data as { message?: Message, messages?: Message[], upTo?: number }
    const revision = event.revision ?? upTo ?? 0
    if (revision <= covered) throw new Error(`${event.type} covers up to ${revision}, after ${covered}`)
    covered = revision
    messages.push(...message ? [message] : page.toSorted((a, b) => a.seq - b.seq))
  }
  return messages
}

export function nodesTests (t: Test, settings: Record<string, string>): void {
  t.test('between nodes', async t => {
    const [a, b, c] = await startNodes(t, 3, { ...NO_SWEEP, ...settings }) as [Parley, Parley, Parley]

    await t.test('what is sent on one node reaches the sockets of the others once and in order', async t => {
      const chatId = await makeGroup(a, 'alice', ['bob', 'cat'])
      const [bob, cat] = [await signIn(t, b, 'bob'), await signIn(t, c, 'cat')]
      const contents = Array.from({ length: 60 }, (_, n) => `${n}`)
      const senders = [a, b, c]
      for (const [index, content] of contents.entries()) await send(senders[index % 3] as Parley, 'alice', chatId, content)
      for (const socket of [bob, cat]) t.strictSame((await messagesUntil(socket, chatId, '59')).map(message => message.content), contents)
    })

    await t.test('many at once', async t => {
      const chatId = await makeGroup(a, 'alice', ['bob'])
      const bob = await signIn(t, b, 'bob')
      const sent = await Promise.all(Array.from({ length: 200 }, (_, n) => send(n % 2 ? a : c, 'alice', chatId, `${n}`)))
      await send(a, 'alice', chatId, 'last')
      const told = await messagesUntil(bob, chatId, 'last')
      t.strictSame(told.map(message => message.id), [...sent.toSorted((x, y) => x.seq - y.seq).map(message => message.id), `${chatId}.201`])
    })

    await t.test('who is added on another node follows from there on', async t => {
      const [bob, dan] = [await signIn(t, b, 'bob'), await signIn(t, b, 'dan')]
      const chatId = await makeGroup(a, 'alice', ['bob'])
      await send(a, 'alice', chatId, 'one')
      t.match(await messagesUntil(bob, chatId, 'one'), [{ content: 'one' }])
      await request(a, 'alice', 'POST', `/sessions/${chatId}/participants`, { userIds: ['dan'] })
      await dan.next('inbox_updated', ({ data }) => data.memberships.some(membership => membership.chatId === chatId))
      await send(c, 'alice', chatId, 'two')
      t.match((await messagesUntil(dan, chatId, 'two')).at(-1), { content: 'two' })
    })

    await t.test('a first message to somebody on another node', async t => {
      const fay = await signIn(t, b, 'fay')
      const { message } = await request<{ message: Message }>(a, 'eve', 'POST', '/messages', { targetUserId: 'fay', content: 'hello' })
      await fay.next('inbox_updated', ({ data }) => data.memberships.some(membership => membership.chatId === message.chatId))
      await send(a, 'eve', message.chatId, 'again')
      t.match((await messagesUntil(fay, message.chatId, 'again')).at(-1), { content: 'again' })
    })

    await t.test('edits, deletions and reactions', async t => {
      const chatId = await makeDirect(a, 'alice', 'bob')
      const { id } = await send(a, 'alice', chatId, 'tpyo')
      const bob = await signIn(t, b, 'bob')
      const told = (is: (message: Message) => boolean) => bob.nextThat(({ data }) => {
        const { message, messages = [] } = data as { message?: Message, messages?: Message[] }
        return [...messages, ...message ? [message] : []].some(is)
      }, 'a change of the message')
      await request(a, 'alice', 'PATCH', `/messages/${id}`, { content: 'typo' })
      await told(message => message.content === 'typo')
      await request(a, 'alice', 'POST', `/messages/${id}/reactions`, { emoji: '👍' })
      await told(message => message.reactions.length === 1)
      await request(a, 'alice', 'DELETE', `/messages/${id}?scope=everyone`)
      await told(message => message.deletedAt !== null)
      t.pass('all were told')
    })

    await t.test('typing, receipts, and who looks', async t => {
      const chatId = await makeDirect(a, 'lea', 'max')
      const [lea, max] = [await signIn(t, a, 'lea'), await signIn(t, b, 'max')]
      await lea.command('typing_start', { chatId })
      t.match((await max.next('user_typing', event => event.chatId === chatId)).data, { userId: 'lea' })
      await send(b, 'max', chatId, 'read me')
      await lea.command('mark_as_read', { chatId })
      t.match((await max.next('messages_read', event => event.chatId === chatId)).data, { userId: 'lea', readSeq: 1 })
      await lea.command('join_chat', { chatId })
      await max.command('join_chat', { chatId })
      t.match((await lea.next('user_joined_chat', event => event.chatId === chatId)).data, { userId: 'max' })
      t.match(await (await signIn(t, a, 'lea')).command('join_chat', { chatId }), { viewerCount: 2 }, 'one here, one there')
      await max.command('leave_chat', { chatId })
      await lea.next('user_left_chat', event => event.chatId === chatId)
      t.match(await lea.command('join_chat', { chatId }), { viewerCount: 1 })
    })

    await t.test('presence: who comes on one node is seen on the others', async t => {
      await makeDirect(a, 'gus', 'hal')
      const hal = await signIn(t, b, 'hal')
      const gus = await signIn(t, a, 'gus')
      t.match((await hal.next('user_online', ({ data }) => data.userId === 'gus')).data, { userId: 'gus', status: 'ONLINE' })
      t.match(await hal.command('get_online_users', {}), { userIds: ['gus'] })
      await gus.command('presence_update', { status: 'BUSY', statusText: 'in a call' })
      t.match((await hal.next('presence_update', ({ data }) => data.userId === 'gus')).data, { status: 'BUSY', statusText: 'in a call' })
    })

    await t.test('devices on different nodes are told the same', async t => {
      const [phone, laptop] = [await signIn(t, a, 'ivy'), await signIn(t, b, 'ivy')]
      await phone.command('block_user', { userId: 'alice' })
      t.match((await laptop.next('inbox_updated')).data, { blocks: ['alice'] })
    })

    await t.test('who is removed hears no more, whatever node they are on', async t => {
      const chatId = await makeGroup(a, 'alice', ['bob', 'jim'])
      const [jim, bob] = [await signIn(t, b, 'jim'), await signIn(t, b, 'bob')]
      const removed = jim.next('inbox_updated', ({ data }) => data.removed.includes(chatId))
      await request(a, 'alice', 'DELETE', `/sessions/${chatId}/participants/jim`)
      await removed
      await send(c, 'alice', chatId, 'without jim')
      await messagesUntil(bob, chatId, 'without jim')
      t.notOk((await jim.soFar()).some(({ data }) => JSON.stringify(data).includes('without jim')))
    })

    await t.test('a chat that is deleted for everyone', async t => {
      const chatId = await makeGroup(a, 'alice', ['bob'])
      const bob = await signIn(t, b, 'bob')
      await request(a, 'alice', 'DELETE', `/sessions/${chatId}?scope=everyone`)
      t.strictSame((await bob.next('chat_deleted', event => event.chatId === chatId)).data, { chatId })
    })

    await t.test('who is banned has no socket on any node', async t => {
      const sockets = [await signIn(t, a, 'kim'), await signIn(t, b, 'kim'), await signIn(t, c, 'kim')]
      await request({ url: a.url, token: () => a.token('root', { role: 'admin' }) }, 'root', 'POST', '/admin/users/kim/ban', { reason: 'spam' })
      for (const socket of sockets) t.equal((await socket.closed).code, 4403)
    })
  })
}
