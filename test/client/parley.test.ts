// The client that applications use, against a real server: what it shows, what it sends, and that it converges.
import t, { type Test } from 'tap'
import { createClient, type LocalMessage, type Parley as Chat, type ParleyOptions } from '../../src/client/parley.ts'
import { startParley } from '../helpers/parley.ts'

const parley = await startParley(t, { CHAT_REQUESTS: 'off' })
const soon = { after: (ms: number, callback: () => void) => { const timer = setTimeout(callback, ms); return () => clearTimeout(timer) }, random: () => Math.random() * 0.02 }

let people = 0
const somebody = () => `user${++people}`

async function join (t: Test, userId = somebody(), options: Partial<ParleyOptions> = {}): Promise<Chat> {
  const chat = createClient({ url: parley.url, token: () => parley.token(userId), clock: soon, ...options })
  t.teardown(() => chat.stop())
  await chat.whenSynced()
  return chat
}

/** Until what is shown says so. */
async function shown (chat: Chat, condition: () => boolean): Promise<void> {
  if (condition()) return
  await new Promise<void>(resolve => {
    const off = chat.on('change', () => {
      if (!condition()) return
      off()
      resolve()
    })
  })
}

const texts = (messages: readonly LocalMessage[]) => messages.filter(({ type }) => type !== 'SYSTEM').map(({ content }) => content)
const statuses = (messages: readonly LocalMessage[]) => messages.filter(({ type }) => type !== 'SYSTEM').map(({ status }) => status)

/** Two people in a DIRECT chat. */
async function pair (t: Test, options: Partial<ParleyOptions> = {}) {
  const [alice, bob] = [await join(t, somebody(), options), await join(t)]
  const { chat: { id: chatId } } = await alice.createDirect(bob.userId as string)
  await Promise.all([alice, bob].map(chat => shown(chat, () => chat.chat(chatId)?.loaded === true)))
  return { alice, bob, chatId }
}

t.test('a message is shown at once, and how far it has come', async t => {
  const { alice, bob, chatId } = await pair(t)
  const sent = alice.send(chatId, { content: 'Hello' })
  const [pending] = alice.messages(chatId)
  t.match(pending, { content: 'Hello', status: 'pending', senderId: alice.userId, seq: 0, id: '' })
  t.equal(alice.chat(chatId)?.lastMessage, pending)
  await sent
  t.equal(alice.messages(chatId).length, 1)
  t.equal(alice.messages(chatId)[0]?.key, pending?.key)
  await shown(bob, () => bob.unread.total === 1)
  t.match(bob.chat(chatId), { unreadCount: 1, otherId: alice.userId, title: alice.userId })
  await shown(alice, () => statuses(alice.messages(chatId))[0] === 'delivered')
  const marked = bob.markRead(chatId)
  t.equal(bob.unread.total, 0, 'at once')
  await marked
  await shown(alice, () => statuses(alice.messages(chatId))[0] === 'read')
  t.same(statuses(bob.messages(chatId)), [null])
})

t.test('what is sent while the line is cut waits, and goes out in order', async t => {
  const { alice, bob, chatId } = await pair(t)
  alice.offline()
  t.equal(alice.status, 'offline')
  const sent = ['one', 'two', 'three'].map(content => alice.send(chatId, { content }))
  t.same(statuses(alice.messages(chatId)), ['pending', 'pending', 'pending'])
  await bob.send(chatId, { content: 'meanwhile' })
  alice.online()
  await Promise.all(sent)
  await shown(bob, () => bob.messages(chatId).length === 4)
  t.same(texts(bob.messages(chatId)), ['meanwhile', 'one', 'two', 'three'])
  await alice.whenSynced()
  t.same(texts(alice.messages(chatId)), ['meanwhile', 'one', 'two', 'three'])
})

t.end()
