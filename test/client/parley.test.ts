// The client that applications use, against a real server: what it shows, and what it does.
import t from 'tap'
import { setTimeout as pause } from 'node:timers/promises'
import { CLOSE } from '../../src/realtime/protocol.ts'
import { hasty, joined, pair, sameAsSaid, said, shown, somebody } from '../helpers/chat-client.ts'
import { cuttable, request } from '../helpers/live.ts'
import { startParley } from '../helpers/parley.ts'
import { makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t, { CHAT_REQUESTS: 'on' })
const strangers = await pair(t, parley) // and a request
const { alice, bob, chatId } = strangers

t.test('a request is shown to who is asked, and accepted', async t => {
  const zoe = await joined(t, parley)
  const { chat: { id } } = await zoe.createDirect(bob.userId as string)
  await zoe.send(id, { content: 'May I?' })
  await shown(bob, () => bob.requests().some(chat => chat.id === id))
  t.match(bob.requests().find(chat => chat.id === id), { request: 'received', otherId: zoe.userId })
  t.notOk(bob.chats().some(chat => chat.id === id))
  t.equal(bob.unread.total, 0)
  await bob.accept(id)
  await shown(bob, () => bob.chats().some(chat => chat.id === id) && bob.unread.total === 1)
  await shown(zoe, () => zoe.chat(id)?.request === null)
  await sameAsSaid(t, parley, zoe, bob)
  await bob.markRead(id)
})
t.test('of one that is sent', async t => {
  t.match(alice.chat(chatId), { request: 'sent' })
  await bob.accept(chatId)
  await shown(alice, () => alice.chat(chatId)?.request === null)
})

t.test('a message is shown at once, and how far it has come', async t => {
  const sent = alice.send(chatId, { content: 'Hello', metadata: { a: 1 } })
  const pending = alice.messages(chatId).at(-1)
  t.match(pending, { content: 'Hello', status: 'pending', senderId: alice.userId, seq: 0, id: '' })
  t.equal(alice.chat(chatId)?.lastMessage, pending)
  await sent
  t.equal(alice.messages(chatId).at(-1)?.key, pending?.key)
  await shown(bob, () => bob.unread.total === 1)
  t.match(bob.chat(chatId), { unreadCount: 1, otherId: alice.userId, title: alice.userId })
  await shown(alice, () => alice.messages(chatId).at(-1)?.status === 'delivered')
  const marked = bob.markRead(chatId)
  t.equal(bob.unread.total, 0, 'at once')
  await marked
  await shown(alice, () => alice.messages(chatId).at(-1)?.status === 'read')
  t.equal(bob.messages(chatId).at(-1)?.status, null)
})

t.test('what is sent while the line is cut waits, and goes out in order', async t => {
  const { alice, bob, chatId } = await pair(t, parley)
  await bob.accept(chatId)
  alice.offline()
  t.equal(alice.status, 'offline')
  const sent = ['one', 'two', 'three'].map(content => alice.send(chatId, { content }))
  t.same(said(alice.messages(chatId)).map(({ status }) => status), ['pending', 'pending', 'pending'])
  await bob.send(chatId, { content: 'meanwhile' })
  alice.online()
  await Promise.all(sent)
  for (const chat of [alice, bob]) {
    await shown(chat, () => said(chat.messages(chatId)).length === 4)
    t.same(said(chat.messages(chatId)).map(({ content }) => content), ['meanwhile', 'one', 'two', 'three'])
  }
})

t.test('what is refused has failed, is tried again with the same key, or given up', async t => {
  const { alice, bob, chatId } = await pair(t, parley)
  await bob.accept(chatId)
  await bob.block(alice.userId as string)
  const failures: unknown[] = []
  alice.on('failed', ({ message }) => failures.push(message.content))
  await t.rejects(alice.send(chatId, { content: 'no' }), { code: 'CHAT_BLOCKED', name: 'ClientError' })
  void alice.send(chatId, { content: 'no, too' })
  await shown(alice, () => said(alice.messages(chatId)).filter(({ status }) => status === 'failed').length === 2)
  t.same(failures, ['no', 'no, too'])
  const [first, second] = said(alice.messages(chatId))
  t.match(first?.error, { code: 'CHAT_BLOCKED' })
  await bob.unblock(alice.userId as string)
  const message = await alice.retry(first!)
  t.equal(message?.clientMessageId, first?.clientMessageId)
  t.ok(alice.discard(second!))
  t.same(said(alice.messages(chatId)).map(({ content }) => content), ['no'])
})

t.test('edits, reactions, pins and deletions come to everybody, and so do quotes of what is not loaded', async t => {
  const { id } = await alice.send(chatId, { content: 'first' })
  const of = (chat: typeof bob) => chat.messages(chatId).find(message => message.id === id)
  await alice.edit(id, 'edited')
  await bob.react(id, '👍')
  await bob.pin(id)
  await shown(bob, () => of(bob)?.content === 'edited' && of(bob)?.pinned !== null)
  await shown(alice, () => of(alice)?.reactions[0]?.count === 1)
  await bob.unreact(id, '👍')
  await bob.unpin(id)
  await alice.delete(id)
  await shown(bob, () => of(bob)?.deletedAt !== null)
  const { id: mine } = await bob.send(chatId, { content: 'for nobody' })
  await bob.delete(mine, 'me')
  await shown(bob, () => !bob.messages(chatId).some(message => message.id === mine))
  await sameAsSaid(t, parley, alice, bob)
})

t.test('older history is loaded by the page, and quotes from it before that', async t => {
  const [olga, pia] = [somebody(), somebody()]
  const group = await makeGroup(parley, olga, [pia])
  const ids: string[] = []
  for (let n = 1; n <= 120; n++) ids.push((await send(parley, olga, group, `number ${n}`)).id)
  const chat = await joined(t, parley, pia)
  t.equal(chat.messages(group).length, 50)
  t.equal(chat.message(ids[0]!), undefined, 'it is being fetched')
  await shown(chat, () => chat.message(ids[0]!) !== undefined)
  t.match(chat.message(ids[0]!), { content: 'number 1' })
  await request(parley, olga, 'PATCH', `/messages/${ids[0]}`, { content: 'edited' })
  await shown(chat, () => (chat.message(ids[0]!) as { content: string }).content === 'edited')
  await sameAsSaid(t, parley, chat) // more unread than is loaded: the server counts
  await request(parley, olga, 'DELETE', `/messages/${ids[3]}`)
  await sameAsSaid(t, parley, chat)
  t.equal(await chat.loadOlder(group), true)
  t.equal(chat.messages(group).length, 100)
  t.equal(await chat.loadUntil(group, 2), true)
  t.equal(chat.messages(group).at(-1)?.content, 'number 120')
  t.equal(await chat.loadOlder(group), false)
  t.equal(said(chat.messages(group)).length, 120)
  const { data } = await chat.search('number 77')
  t.same(data.map(({ message }) => message.content), ['number 77'])
  await chat.markRead(group, 60)
  await sameAsSaid(t, parley, chat)
})

t.test('who types, who is there, who looks', async () => {
  await alice.open(chatId)
  await bob.open(chatId)
  await shown(alice, () => alice.chat(chatId)?.viewers === 2)
  bob.typing(chatId)
  await shown(alice, () => alice.chat(chatId)?.typing.includes(bob.userId as string) === true)
  bob.typing(chatId, false)
  await shown(alice, () => alice.chat(chatId)?.typing.length === 0)
  await shown(alice, () => alice.presence(bob.userId as string)?.status === 'ONLINE')
  await bob.setPresence('BUSY', 'in a meeting')
  await shown(alice, () => alice.presence(bob.userId as string)?.statusText === 'in a meeting')
  bob.close(chatId)
  await shown(alice, () => alice.chat(chatId)?.viewers === 1)
  alice.offline()
  alice.online()
  await shown(alice, () => alice.chat(chatId)?.viewers === 1 && alice.presence(bob.userId as string)?.status === 'BUSY')
})

t.test('names are fetched when they are asked for, and followed', async t => {
  const { alice, bob, chatId } = await pair(t, parley)
  await bob.accept(chatId)
  await shown(alice, () => alice.chat(chatId)?.request === null)
  await bob.insist('update_me', { displayName: 'Bob' })
  await shown(alice, () => alice.user(bob.userId as string).displayName === 'Bob')
  t.same(alice.user('nobody'), { id: 'nobody', displayName: null, avatarUrl: null })
})

t.test('a file goes with its message, with progress, again after the line was cut, and is had by a URL', async t => {
  const { WebSocket, cut } = cuttable()
  const { alice, bob, chatId } = await pair(t, parley, { WebSocket })
  await bob.accept(chatId)
  const file = new File([`name,size\n${'x'.repeat(3_000_000)}`], 'table.csv', { type: 'text/csv' })
  const progress: number[] = []
  alice.on('change', () => {
    const upload = alice.messages(chatId).at(-1)?.uploads?.[0]
    if (upload) progress.push(upload.loaded)
  })
  let cuts = 0
  const off = alice.on('change', () => {
    if (cuts > 0 || (progress.at(-1) ?? 0) === 0) return
    cuts++
    alice.offline() // in the middle of it
    cut()
  })
  const sent = alice.send(chatId, { content: 'look', files: [file] })
  await shown(alice, () => cuts > 0)
  off()
  await pause(0)
  t.equal(alice.messages(chatId).at(-1)?.status, 'pending')
  alice.online()
  const message = await sent
  t.match(message, { type: 'FILE', content: 'look', attachments: [{ fileName: 'table.csv', size: file.size }] })
  t.equal(Math.max(...progress), file.size)
  await shown(bob, () => said(bob.messages(chatId)).length === 1)
  const [attachment] = bob.messages(chatId).at(-1)!.attachments
  const [url, again] = await Promise.all([bob.mediaUrl(attachment!), bob.mediaUrl(attachment!)])
  t.equal(url, again)
  t.equal(await (await fetch(url!)).text(), await file.text())
  t.equal(await bob.mediaUrl({ id: '01900000-0000-7000-8000-000000000000' }), null)
})

t.test('an upload can be given up, and what is no file is refused with its code', async t => {
  const abort = new AbortController()
  const upload = alice.upload(chatId, new File(['a'.repeat(1_000_000)], 'a.txt'), { signal: abort.signal, onProgress: () => abort.abort() })
  await t.rejects(upload, { code: 'UPLOAD_ABORTED' })
  await t.rejects(alice.upload(chatId, new File([new Uint8Array([0x4d, 0x5a, 0, 1])], 'virus.exe')), { code: 'MEDIA_TYPE_REFUSED' })
})

t.test('a token that is too old is renewed for REST, too', async t => {
  let asked = 0
  const chat = await joined(t, parley, alice.userId as string, { token: () => parley.token(alice.userId as string, asked++ === 1 ? { exp: 1 } : {}) })
  t.match(await chat.request('GET', '/me'), { id: alice.userId })
  await t.rejects(chat.request('GET', '/users/nobody'), { code: 'USER_NOT_FOUND', retryable: false })
})

t.test('the server says that it is no use', async t => {
  const chat = await joined(t, parley)
  const statuses: string[] = []
  const loop = (async () => { for await (const event of chat.events()) if (event.type === 'status') statuses.push(event.status) })()
  parley.app.hub.roster.peersOf(chat.userId as string)[0]?.close(CLOSE.BANNED)
  await loop
  t.same(statuses, ['stopped'])
  t.match(chat.stoppedBy, { code: CLOSE.BANNED })
  await t.rejects(chat.send(chatId, { content: 'late' }), { code: 'CLIENT_STOPPED' })
  t.equal(chat.core.status, 'stopped')
})

t.test('it waits for the start, if it is told to', async t => {
  const chat = await (async () => {
    const { createClient } = await import('../../src/client/parley.ts')
    return createClient({ url: parley.url, token: () => parley.token('late'), clock: hasty, autoStart: false })
  })()
  t.teardown(() => chat.stop())
  t.equal(chat.status, 'stopped')
  chat.start()
  await chat.whenSynced()
  t.equal(chat.userId, 'late')
})

t.end()
