import t, { type Test } from 'tap'
import type { Client } from '../../src/client/client.ts'
import type { EventFrame } from '../../src/client/frames.ts'
import { request, startClient, until } from '../helpers/live.ts'
import { startParley, type Parley } from '../helpers/parley.ts'

type Received = EventFrame<'message_received'>

async function makeGroup (parley: Parley, owner: string, participantIds: string[]): Promise<string> {
  const { chat } = await request<{ chat: { id: string } }>(parley, owner, 'POST', '/sessions', { type: 'GROUP', name: 'All', participantIds })
  return chat.id
}

/** All that comes over the client's socket, as it comes. */
function listen (client: Client): Received[] {
  const frames: Received[] = []
  client.on('message_received', frame => frames.push(frame))
  return frames
}

const count = (length: number): number[] => Array.from({ length }, (_, index) => index + 1)

t.test('200 sends at once, by 20 members over 5 connections each', async t => {
  const parley = await startParley(t)
  const members = count(20).map(n => `member${n}`)
  const chatId = await makeGroup(parley, 'member1', members.slice(1))
  const clients = await Promise.all(members.flatMap(userId => count(5).map(() => startClient(t, parley, userId))))
  const heard = clients.map(listen)
  const [before] = clients.map(client => client.state.chats.get(chatId)?.cursor ?? 0)

  const sent = await Promise.all(clients.flatMap((client, connection) => count(2).map(n => client.send({ chatId, content: `${n} over ${connection}` }))))
  await Promise.all(clients.map(client => until(client, state => (state.chats.get(chatId)?.head.lastSeq ?? 0) >= 200)))

  t.same(sent.map(({ message }) => message.seq).sort((a, b) => a - b), count(200), 'each has got a seq of its own, without a hole')
  const { rows } = await parley.app.db.pool.query('SELECT seq, revision, ordinal, sender_id, content, created_at FROM chat.chat_message WHERE chat_id = $1 ORDER BY seq', [chatId])
  t.same(rows.map(row => row.seq), count(200))
  t.same(rows.map(row => row.revision), count(200).map(n => (before ?? 0) + n), 'revisions go as seqs do')
  t.same(rows.map(row => row.ordinal), count(200))
  t.ok(rows.every((row, index) => index === 0 || row.created_at >= rows[index - 1].created_at), 'and time does not run backwards')
  for (const { message } of sent) t.match(rows[message.seq - 1], { revision: message.revision, sender_id: message.senderId, content: message.content })

  for (const [connection, frames] of heard.entries()) {
    t.same(frames.map(frame => frame.data.message.seq), count(200), `connection ${connection} has got them in order, each once`)
    t.ok(frames.every((frame, index) => frame.previousRevision === (frames[index - 1]?.revision ?? before)), 'and without a gap')
  }
})

t.test('the sends of one connection keep their order', async t => {
  const parley = await startParley(t)
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  const [ann, ben] = [await startClient(t, parley, 'ann'), await startClient(t, parley, 'ben')]
  const heard = listen(ben)
  await Promise.all(count(100).map(n => ann.send({ chatId, content: String(n) })))
  await until(ben, state => (state.chats.get(chatId)?.head.lastSeq ?? 0) >= 100)
  t.same(heard.map(frame => Number(frame.data.message.content)), count(100))
})

t.test('the same key', async t => {
  const parley = await startParley(t)
  const chatId = await makeGroup(parley, 'ann', ['ben'])
  const ben = await startClient(t, parley, 'ben')
  const heard = listen(ben)
  const rowsOf = async (key: string): Promise<number> => (await parley.app.db.pool.query('SELECT FROM chat.chat_message WHERE chat_id = $1 AND client_message_id = $2', [chatId, key])).rows.length
  const command = (client: Client, key: string, content = 'once') => client.command('send_message', { chatId, content, clientMessageId: key })

  await t.test('on 10 connections at once makes one row', async t => {
    const clients = await Promise.all(count(10).map(() => startClient(t, parley, 'ann')))
    const replies = await Promise.all(clients.map(client => command(client, 'at once')))
    t.equal(replies.filter(reply => !reply.duplicate).length, 1)
    t.equal(new Set(replies.map(reply => reply.message.id)).size, 1)
    t.equal(await rowsOf('at once'), 1)
    await command(clients[0] as Client, 'the next')
    await until(ben, state => (state.chats.get(chatId)?.head.lastSeq ?? 0) >= 2)
    t.same(heard.map(frame => frame.data.message.clientMessageId), ['at once', 'the next'], 'and one event')
  })

  const ann = await startClient(t, parley, 'ann')

  async function repeat (t: Test, key: string, expected: object, between: (messageId: string) => Promise<unknown>, sender = 'ann'): Promise<void> {
    const client = sender === 'ann' ? ann : ben
    const first = await command(client, key)
    t.equal(first.duplicate, false)
    await between(first.message.id)
    t.match(await command(client, key), { duplicate: true, message: { id: first.message.id, ...expected } })
    t.match(await request(parley, sender, 'POST', `/sessions/${chatId}/messages`, { content: 'once', clientMessageId: key }), { duplicate: true, message: { id: first.message.id, ...expected } }, 'by REST too')
    t.equal(await rowsOf(key), 1)
  }

  await t.test('after an edit is answered with the message as it is now', t =>
    repeat(t, 'edited', { content: 'changed', deletedAt: null }, messageId => ann.command('edit_message', { messageId, content: 'changed' })))
  await t.test('after a delete as well', t =>
    repeat(t, 'deleted', { content: null, deletedById: 'ann' }, messageId => ann.command('delete_message', { messageId, scope: 'everyone' })))
  await t.test('after its sender was removed, too: it has been sent', t =>
    repeat(t, 'removed', { content: 'once' }, async () => {
      await ann.command('remove_participant', { chatId, userId: 'ben' })
      await t.rejects(command(ben, 'another'), { code: 'CHAT_NOT_FOUND' })
    }, 'ben'))
  await ann.command('add_participants', { chatId, userIds: ['ben'] })
  await t.test('with another content is refused', async t => {
    await command(ann, 'conflict')
    await t.rejects(command(ann, 'conflict', 'twice'), { code: 'MESSAGE_ID_CONFLICT', retryable: false })
    t.equal(await rowsOf('conflict'), 1)
  })
  await t.test('of somebody else, or in another chat, is another key', async t => {
    await command(ann, 'mine')
    t.equal((await command(ben, 'mine')).duplicate, false)
    const other = await makeGroup(parley, 'ann', [])
    t.equal((await ann.command('send_message', { chatId: other, content: 'once', clientMessageId: 'mine' })).duplicate, false)
  })
})
