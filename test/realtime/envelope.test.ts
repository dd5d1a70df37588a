// Frames on their way from node to node.
import t from 'tap'
import { pack, Sender, unpack, type Said } from '../../src/realtime/bus/envelope.ts'
import { partitionOf, PARTITIONS, saidOn } from '../../src/realtime/bus/topics.ts'
import { encodeChat, encodeFleeting, type ChatFrame, type FleetingFrame, type Frame } from '../../src/realtime/frames.ts'
import { CHAT, membership } from '../helpers/samples.ts'

const sender = new Sender('11111111-1111-4111-8111-111111111111', 'ab'.repeat(32))
const through = (...frames: Said[]): Said[] => unpack(sender.envelope(frames.map(pack)))
const chat = (data: string, more: Partial<ChatFrame> = {}): ChatFrame => ({ kind: 'chat', chatId: CHAT, type: 'message_received', previousRevision: 6, revision: 7, data, ...more })

t.test('what comes out is what went in, to the byte, whatever its length', t => {
  for (const length of [0, 1, 40, 60, 100, 125, 126, 127, 1000, 65_000, 65_400, 65_535, 65_536, 70_000, 300_000]) {
    for (let more = 0; more < 12; more++) {
      const frame = chat(`{"message":{"content":"${'é'.repeat(1)}${'x'.repeat(length + more)}\\"data\\":"}}`, { message: { seq: 3, senderId: 'ann "x"' }, joined: { userIds: ['bén'], bound: 2 }, left: ['cat'], memberCount: 3 })
      const [got] = through(frame) as [ChatFrame]
      if (!encodeChat(got).equals(encodeChat(frame)) || got.data !== frame.data) t.fail(`${length + more}`)
      const { encoded: _, data: __, ...facts } = got
      const { encoded: ___, data: ____, ...expected } = frame
      if (more === 0) t.strictSame(facts, expected)
    }
  }
  t.end()
})

t.test('every kind, several in one', t => {
  const update = { previousInboxRevision: 0, inboxRevision: 1, memberships: [membership(1)], hidden: [], removed: [] }
  const typing: FleetingFrame = { kind: 'fleeting', type: 'user_typing', data: '{"userId":"ann"}', chatId: CHAT, audience: 'few', actorId: 'ann', hiddenFrom: ['bob'], toActor: true }
  const rest: Said[] = [
    { kind: 'inbox', userId: 'ann', previousRevision: 0, revision: 1, update }, { kind: 'hint', chatId: CHAT, revision: 4 }, { kind: 'hint', userId: 'ann', revision: 4 }, { kind: 'expel', userId: 'ann', code: 4403 },
    { kind: 'viewers', chatId: CHAT, node: '11111111-1111-4111-8111-111111111111', count: 7 },
    { kind: 'hears', topics: [0, 1, 0xffffffff] },
  ]
  const [got, ...others] = through(typing, ...rest) as [FleetingFrame, ...Said[]]
  t.ok(encodeFleeting(got).equals(encodeFleeting(typing)))
  t.match(got, { kind: 'fleeting', type: 'user_typing', chatId: CHAT, audience: 'few', actorId: 'ann', hiddenFrom: ['bob'], toActor: true, data: '{"userId":"ann"}' })
  t.strictSame(others, rest)
  t.strictSame(through(), [])
  t.end()
})

t.test('what is not whole, or says what cannot be, is refused', t => {
  const good = sender.envelope([pack(chat('{}'))])
  for (let length = 27; length < good.length; length++) t.throws(() => unpack(good.subarray(0, length)), `${length} bytes`)
  const bad = (change: (text: string) => string) => () => unpack(Buffer.from(change(good.toString('latin1')), 'latin1'))
  t.throws(bad(text => text.replace('"chat"', '"chut"')))
  t.throws(bad(text => text.replace(`"chatId":"${CHAT}"`, `"chatId":"${'x'.repeat(36)}"`)))
  t.throws(bad(text => text.replace('"revision":7', '"revision":x')))
  t.throws(bad(text => text.replace('"type":"message_received"', '"type":"message received"')))
  const bodyAt = good.length - encodeChat(chat('{}')).length
  for (const at of [bodyAt, bodyAt + 1]) {
    const bytes = Buffer.from(good)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    t.throws(() => unpack(bytes), 'not the bytes of one frame')
  }
  t.throws(() => unpack(sender.envelope([pack({ kind: 'hint', revision: 1 } as Frame)])), 'a hint of nothing')
  t.end()
})

t.test('who says it, in which version, about which history', t => {
  const [again, another, elsewhere] = [new Sender('11111111-1111-4111-8111-111111111111', 'ab'.repeat(32)), new Sender('21111111-1111-4111-8111-111111111111', 'ab'.repeat(32)), new Sender('11111111-1111-4111-8111-111111111111', 'ac'.repeat(32))]
  const payload = sender.envelope([])
  t.strictSame([again, another, elsewhere].map(each => [each.wrote(payload), each.understands(payload)]), [[true, true], [false, true], [true, false]])
  const newer = Buffer.from(payload)
  newer[1] = 2
  t.notOk(another.understands(newer))
  for (const short of [Buffer.alloc(0), payload.subarray(0, 25)]) t.strictSame([sender.wrote(short), sender.understands(short)], [false, false])
  t.end()
})

t.test('where it is said', t => {
  const topics = (frame: Frame) => saidOn(frame).map(([topic]) => topic)
  t.strictSame(topics(chat('{}')), [`chat:${CHAT}`])
  t.strictSame(topics(chat('{}', { joined: { userIds: ['ann'], bound: 0 } })), [`chat:${CHAT}`, 'all'], 'who joins may be where nobody follows it')
  const presence = (userIds: string[]): Frame => ({ kind: 'fleeting', type: 'user_online', data: '{}', userIds })
  t.match(saidOn(presence(['ann', 'ben'])), [['user:ann', { userIds: ['ann'] }], ['user:ben', { userIds: ['ben'] }]], 'each of few by themselves, and once where both are')
  t.strictSame(topics(presence(Array.from({ length: 300 }, (_, n) => `${n}`))), ['all'])
  const partitions = new Set(Array.from({ length: 5000 }, (_, n) => partitionOf(`user:${n}`)))
  t.strictSame([partitions.size, Math.min(...partitions), Math.max(...partitions)], [PARTITIONS, 0, PARTITIONS - 1])
  t.end()
})

t.end()
