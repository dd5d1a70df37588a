// What is said by NOTIFY: little of it, and never more than PostgreSQL takes.
import t from 'tap'
import { decodeHints, Hints } from '../../src/realtime/bus/hints.ts'
import type { Frame } from '../../src/realtime/frames.ts'

const NODE = '11111111-1111-4111-8111-111111111111'
const chatOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const viewers = (count: number): Frame => ({ kind: 'viewers', chatId: chatOf(1), node: NODE, count })
const chat = (n: number, revision: number): Frame => ({ kind: 'chat', chatId: chatOf(n), type: 'message_received', previousRevision: revision - 1, revision, data: '{"message":"long"}' })

function said (frames: Frame[]): Frame[] {
  const hints = new Hints()
  for (const frame of frames) hints.add(frame)
  const payloads = hints.take(NODE)
  for (const payload of payloads) t.ok(Buffer.byteLength(payload) < 8000, `${Buffer.byteLength(payload)} bytes`)
  t.ok(hints.isEmpty)
  return payloads.flatMap(payload => decodeHints(payload).frames)
}

t.test('of each chat and inbox the newest revision, once', t => {
  t.strictSame(said([chat(1, 5), chat(1, 7), chat(1, 6), chat(2, 1), { kind: 'hint', userId: 'ann', revision: 3 }, { kind: 'hint', userId: 'ann', revision: 2 }, viewers(4), viewers(3)]), [
    { kind: 'hint', chatId: chatOf(1), revision: 7 },
    { kind: 'hint', chatId: chatOf(2), revision: 1 },
    { kind: 'hint', userId: 'ann', revision: 3 },
    viewers(3),
  ])
  t.end()
})

t.test('many chats are several notifications', t => {
  const frames = said(Array.from({ length: 1000 }, (_, n) => chat(n, n + 1)))
  t.equal(new Set(frames.map(frame => 'chatId' in frame && frame.chatId)).size, 1000)
  t.end()
})

t.test('what is fleeting goes as it is, to many people in parts', t => {
  const typing: Frame = { kind: 'fleeting', type: 'user_typing', chatId: chatOf(1), data: '{"userId":"añn \\"x\\"","at":"now"}', audience: 'few', actorId: 'añn "x"', hiddenFrom: ['b'] }
  const userIds = Array.from({ length: 2000 }, (_, n) => `user 🙂 ${n}`)
  const presence: Frame = { kind: 'fleeting', type: 'user_online', data: '{"userId":"ann"}', userIds, actorId: 'ann' }
  const [first, ...parts] = said([{ ...typing, encoded: Buffer.from('as sockets here were given it') }, presence])
  t.strictSame(first, typing)
  t.ok(parts.length > 1)
  t.strictSame(parts.flatMap(part => part.kind === 'fleeting' ? part.userIds : []), userIds)
  for (const part of parts) t.match(part, { kind: 'fleeting', type: 'user_online', data: '{"userId":"ann"}', actorId: 'ann' })
  t.end()
})

t.test('what does not fit is left out, and nothing else with it', t => {
  const huge: Frame = { kind: 'fleeting', type: 'user_updated', data: JSON.stringify({ text: 'x'.repeat(9000) }), userIds: ['ann'] }
  t.strictSame(said([huge, { kind: 'expel', userId: 'ann', code: 4403 }]), [{ kind: 'expel', userId: 'ann', code: 4403 }])
  t.end()
})

t.test('what waits is bounded', t => {
  const hints = new Hints()
  for (let n = 0; n < 30_000; n++) {
    hints.add(chat(n, 1))
    hints.add({ kind: 'fleeting', type: 'user_typing', chatId: chatOf(n), data: '{}' })
  }
  const payloads = hints.take(NODE)
  const kinds = Map.groupBy(payloads.flatMap(payload => decodeHints(payload).frames), ({ kind }) => kind)
  t.equal(kinds.get('hint')?.length, 20_000)
  t.ok((kinds.get('fleeting')?.length ?? 0) < 10_000)
  hints.add(chat(1, 9))
  t.equal(hints.take(NODE).length, 1, 'and it goes on')
  t.end()
})

t.end()
