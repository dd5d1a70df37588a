// The promise of the client: after any interruption its store equals what the server says, and what was sent is there once.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { ParleyEvent } from '../../src/client/parley.ts'
import { freePort } from '../../src/ports.ts'
import { joined, pair, sameAsSaid, said, shown, somebody } from '../helpers/chat-client.ts'
import { cuttable, truthOf, type Projection } from '../helpers/live.ts'
import { createDatabase } from '../helpers/database.ts'
import { startParley } from '../helpers/parley.ts'
import { makeGroup, send } from '../helpers/world.ts'

const parley = await startParley(t)

t.test('sockets that are cut while everybody writes: everything is there once, in order, and told without a gap', async t => {
  const [a, b, c] = [somebody(), somebody(), somebody()]
  const group = await makeGroup(parley, a, [b, c])
  const lines = [a, b, c].map(userId => ({ userId, ...cuttable() }))
  const chats = await Promise.all(lines.map(({ userId, WebSocket }) => joined(t, parley, userId, { WebSocket })))
  const told: number[] = []
  const stream = chats[0]!.events()
  const loop = (async () => {
    for await (const event of stream as AsyncIterable<ParleyEvent>) if (event.type === 'message' && event.previous === null) told.push(event.message.seq)
  })()
  await Promise.all(chats.map(async (chat, person) => {
    for (let n = 1; n <= 30; n++) {
      const sent = chat.send(group, { content: `${person} ${n}` })
      if (n % 4 === 0) lines[person]!.cut()
      if (n % 7 === 0) lines[(person + 1) % 3]!.cut()
      if (n % 10 === 0) await sent
    }
  }))
  for (const chat of chats) await shown(chat, () => said(chat.messages(group)).length === 90 && said(chat.messages(group)).every(({ seq }) => seq > 0))
  await sameAsSaid(t, parley, ...chats)
  const contents = said(chats[1]!.messages(group)).map(({ content }) => content ?? '')
  t.equal(new Set(contents).size, 90)
  for (const person of [0, 1, 2]) {
    t.same(contents.filter(content => content.startsWith(`${person} `)), Array.from({ length: 30 }, (_, n) => `${person} ${n + 1}`), `${person}: in order`)
  }
  const lastSeq = chats[0]!.chat(group)!.head.lastSeq
  t.same(told, Array.from({ length: told.length }, (_, n) => lastSeq - told.length + 1 + n), 'told once each, in order')
  t.ok(told.length >= 90)
  chats[0]!.stop()
  await loop
})

t.test('an acknowledgement that is lost: the message is there once, and the client knows', async t => {
  const { WebSocket: Plain, cut } = cuttable()
  let deaf = false
  const WebSocket = class extends Plain {
    override addEventListener (type: string, listener: (event: never) => void): void {
      super.addEventListener(type as 'message', ((event: { data: unknown }) => {
        if (!deaf || type !== 'message' || !String(event.data).includes('"message_sent"')) return listener(event as never)
        deaf = false
        cut()
      }) as never)
    }
  }
  const { alice, bob, chatId } = await pair(t, parley, { WebSocket })
  deaf = true
  await alice.send(chatId, { content: 'once' })
  t.notOk(deaf, 'the first answer was not heard')
  await alice.send(chatId, { content: 'then' })
  await shown(bob, () => bob.messages(chatId).at(-1)?.content === 'then')
  t.same(said(bob.messages(chatId)).map(({ content }) => content), ['once', 'then'])
  await sameAsSaid(t, parley, alice, bob)
})

t.test('the server goes, and comes back with what others have done', async t => {
  const databaseUrl = await createDatabase(t)
  const settings = { DATABASE_URL: databaseUrl, PORT: String(await freePort()) }
  const before = await startParley(t, settings)
  const { alice, bob, chatId } = await pair(t, before)
  const first = await alice.send(chatId, { content: 'before' })
  await bob.whenSynced()
  await before.app.close()
  const sent = [alice.send(chatId, { content: 'while it is gone' }), bob.send(chatId, { content: 'me, too' })]
  const edited = alice.edit(first.id, 'edited while it is gone')
  const meanwhile = await startParley(t, { DATABASE_URL: databaseUrl })
  await send(meanwhile, bob.userId as string, chatId, 'elsewhere')
  await meanwhile.app.close()
  const after = await startParley(t, settings)
  await Promise.all([...sent, edited])
  for (const chat of [alice, bob]) await shown(chat, () => said(chat.messages(chatId)).length === 4)
  await sameAsSaid(t, after, alice, bob)
  alice.stop()
  bob.stop()
})

t.test('a clock that is wrong, and jumps forward and back: nothing depends on it', async t => {
  const [userId, other] = [somebody(), somebody()]
  const group = await makeGroup(parley, other, [userId])
  const worker = new Worker(new URL('../helpers/wrong-clock.ts', import.meta.url), { workerData: { url: parley.url, token: parley.token(userId), group, count: 20 } })
  t.teardown(() => worker.terminate())
  for (let n = 1; n <= 20; n++) await send(parley, other, group, `other ${n}`)
  const [result] = await once(worker, 'message') as [{ jumps: number, muted: boolean, unread: number, projection: Projection, contents: string[] }]
  t.ok(result.jumps > 10, 'it has jumped')
  t.same(result.contents.filter(content => content.startsWith('mine')), Array.from({ length: 20 }, (_, n) => `mine ${n + 1}`))
  t.equal(result.muted, true, 'for an hour, by the server’s clock')
  t.equal(result.unread, 0)
  const { inboxRevision, ...truth } = await truthOf(parley, userId)
  const { watermarks, ...mine } = result.projection.chats[group]!
  const { watermarks: known, ...theirs } = truth.chats[group]!
  t.ok(isDeepStrictEqual({ ...mine, head: { ...mine.head, deliveredSeq: 0 } }, { ...theirs, head: { ...theirs.head, deliveredSeq: 0 } }), 'the store is what the server says')
  t.equal(watermarks[other]?.readSeq, known[other]?.readSeq)
})

t.end()
