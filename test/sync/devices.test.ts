import t, { type Test } from 'tap'
import type { Client } from '../../src/client/client.ts'
import type { Message } from '../../src/contract.ts'
import { request, sameAsServer, startClient, until } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'

// What ann does on one of her devices shows on the other. ben writes to her.

const parley = await startParley(t)
let anns = 0

async function setup (t: Test) {
  const [ann, ben] = [`ann${++anns}`, `ben${anns}`]
  const { message: { chatId } } = await request<{ message: Message }>(parley, ben, 'POST', '/messages', { targetUserId: ann, content: 'one' })
  await request(parley, ben, 'POST', `/sessions/${chatId}/messages`, { content: 'two' })
  const [phone, laptop] = [await startClient(t, parley, ann), await startClient(t, parley, ann)]
  const chatOn = (client: Client) => client.state.chats.get(chatId)
  const messageOn = (client: Client, seq: number) => chatOn(client)?.messages.get(seq)
  const same = () => sameAsServer(t, parley, ann, phone, laptop)
  return { ann, ben, chatId, phone, laptop, chatOn, messageOn, same, id: (seq: number) => `${chatId}.${seq}` }
}

t.test('a message', async t => {
  const { chatId, phone, laptop, messageOn, same } = await setup(t)
  await phone.send({ chatId, content: 'from my phone' })
  await until(laptop, () => messageOn(laptop, 3)?.content === 'from my phone')
  await same()
})

t.test('a message to somebody new', async t => {
  const { phone, laptop, same } = await setup(t)
  const { message: { chatId } } = await phone.send({ targetUserId: 'cat', content: 'hello' })
  await until(laptop, state => state.chats.get(chatId)?.messages.get(1)?.content === 'hello')
  await same()
})

t.test('what has been read, and what has been delivered', async t => {
  const { ann, chatId, phone, laptop, chatOn, same } = await setup(t)
  await phone.command('mark_as_delivered', { chatId })
  await until(laptop, () => chatOn(laptop)?.head.deliveredSeq === 2)
  t.equal(chatOn(laptop)?.head.readSeq, 0)
  await laptop.command('mark_as_read', { chatId, upToSeq: 1 })
  await until(phone, () => chatOn(phone)?.head.readSeq === 1)
  t.same(chatOn(phone)?.watermarks.get(ann), { userId: ann, deliveredSeq: 2, readSeq: 1 })
  await same()
})

t.test('an edit', async t => {
  const { chatId, phone, laptop, messageOn, same } = await setup(t)
  const { message } = await phone.send({ chatId, content: 'tpyo' })
  await until(laptop, () => messageOn(laptop, 3) !== undefined)
  await phone.command('edit_message', { messageId: message.id, content: 'typo' })
  await until(laptop, () => messageOn(laptop, 3)?.content === 'typo')
  await same()
})

t.test('a message deleted for everyone', async t => {
  const { chatId, phone, laptop, messageOn, same } = await setup(t)
  const { message } = await phone.send({ chatId, content: 'never mind' })
  await laptop.command('delete_message', { messageId: message.id, scope: 'everyone' })
  await until(phone, () => typeof messageOn(phone, 3)?.deletedAt === 'string')
  await same()
})

t.test('a message hidden', async t => {
  const { phone, laptop, messageOn, same, id } = await setup(t)
  await laptop.command('delete_message', { messageId: id(1), scope: 'me' })
  await until(phone, () => messageOn(phone, 1) === undefined)
  t.equal(messageOn(phone, 2)?.content, 'two')
  await same()
})

t.test('a chat cleared', async t => {
  const { chatId, phone, laptop, chatOn, same } = await setup(t)
  await phone.command('clear_chat', { chatId })
  await until(laptop, () => chatOn(laptop)?.messages.size === 0)
  await same()
})

t.test('somebody blocked, and unblocked', async t => {
  const { ben, phone, laptop, messageOn, same } = await setup(t)
  await phone.command('block_user', { userId: ben })
  await until(laptop, () => messageOn(laptop, 1)?.fromBlocked === true)
  await same()
  await laptop.command('unblock_user', { userId: ben })
  await until(phone, () => messageOn(phone, 1)?.content === 'one')
  await same()
})

t.test('a group left', async t => {
  const { ann, ben, phone, laptop, same } = await setup(t)
  const { chat } = await request<{ chat: { id: string } }>(parley, ben, 'POST', '/sessions', { type: 'GROUP', name: 'Group', participantIds: [ann] })
  await until(laptop, state => state.chats.get(chat.id)?.loaded === true)
  await phone.command('leave_membership', { chatId: chat.id })
  await until(laptop, state => !state.chats.has(chat.id))
  await same()
})

t.test('one device closed: the other goes on', async t => {
  const { ben, chatId, phone, laptop, messageOn, same } = await setup(t)
  phone.stop()
  await request(parley, ben, 'POST', `/sessions/${chatId}/messages`, { content: 'three' })
  await until(laptop, () => messageOn(laptop, 3) !== undefined)
  phone.start()
  await same()
})

t.end()
