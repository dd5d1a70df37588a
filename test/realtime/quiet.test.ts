// What no other node hears.
import t from 'tap'
import { QuietTopics } from '../../src/realtime/bus/quiet.ts'
import { chatTopic, hashOf, userTopic } from '../../src/realtime/bus/topics.ts'
import type { Frame } from '../../src/realtime/frames.ts'
import { CHAT, membership } from '../helpers/samples.ts'

const topic = chatTopic(CHAT)
const chat = (revision: number): Frame => ({ kind: 'chat', chatId: CHAT, type: 'message_received', previousRevision: revision - 1, revision, data: '{}' })

t.test('it is said until nobody hears it; who comes is hinted at the newest that was kept back', t => {
  const quiet = new QuietTopics()
  t.notOk(quiet.keeps(topic, chat(4)))
  quiet.add(topic)
  t.notOk(quiet.keeps(userTopic('ann'), chat(5)), 'another topic')
  t.ok(quiet.keeps(topic, chat(6)))
  t.ok(quiet.keeps(topic, chat(5)))
  t.ok(quiet.keeps(topic, { kind: 'fleeting', type: 'user_typing', data: '{}', chatId: CHAT }))
  t.strictSame(quiet.announced([hashOf('user:ann')]), [])
  t.strictSame(quiet.announced([hashOf('user:ann'), hashOf(topic)]), [[topic, { kind: 'hint', chatId: CHAT, revision: 6 }]])
  t.notOk(quiet.keeps(topic, chat(7)))
  t.end()
})

t.test('an inbox, too; what cannot be read later is always said, and so is what all nodes hear', t => {
  const quiet = new QuietTopics()
  const own = userTopic('ann')
  quiet.add(own)
  quiet.add(topic)
  quiet.add('all')
  t.notOk(quiet.keeps(own, { kind: 'expel', userId: 'ann', code: 4403 }))
  t.notOk(quiet.keeps(topic, { kind: 'viewers', chatId: CHAT, node: '11111111-1111-4111-8111-111111111111', count: 7 }))
  t.notOk(quiet.keeps('all', chat(1)))
  t.ok(quiet.keeps(own, { kind: 'inbox', userId: 'ann', previousRevision: 2, revision: 3, update: { previousInboxRevision: 2, inboxRevision: 3, memberships: [membership(3)], hidden: [], removed: [] } }))
  t.strictSame(quiet.forget(), [[own, { kind: 'hint', userId: 'ann', revision: 3 }]])
  t.notOk(quiet.keeps(own, chat(1)))
  t.end()
})

t.test('an answer that was under way when somebody came does not count', t => {
  const quiet = new QuietTopics()
  const before = quiet.disturbances
  quiet.announced([hashOf(topic)])
  t.not(quiet.disturbances, before)
  t.end()
})

t.test('it is asked again after a while', t => {
  let now = 0
  const quiet = new QuietTopics(() => now)
  quiet.add(topic)
  now = 5_000
  t.ok(quiet.keeps(topic, chat(1)))
  now = 5_001
  t.notOk(quiet.keeps(topic, chat(2)))
  t.strictSame(quiet.announced([hashOf(topic)]), [])
  t.end()
})
