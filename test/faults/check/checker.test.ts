// A checker that cannot fail proves nothing: from evidence of which all is true, each rule is broken in each of its ways.
import t from 'tap'
import type { Message } from '../../../src/contract.ts'
import { check, type Rule } from './checker.ts'
import type { Evidence, MessageRow, Operation, WireCommand } from './evidence.ts'

const CHAT = 'chat'
const AT = Date.parse('2026-01-01T00:00:00.000Z')
const MIB = 1024 * 1024
const minute = (number: number) => AT + number * 60_000

function row (seq: number, revision: number, message: Partial<Message> = {}): MessageRow {
  const said = { id: `${CHAT}.${seq}`, chatId: CHAT, seq, revision, senderId: 'ann', type: 'TEXT', content: `said ${seq}`, system: null, reactions: [], editedAt: null, deletedAt: null }
  const whole = { ...said, createdAt: new Date(minute(seq)).toISOString(), ...message } as unknown as Message
  return { id: whole.id, chatId: CHAT, seq, revision, senderId: 'ann', key: `key ${seq}`, message: whole }
}

function system (seq: number, revision: number, kind: string, targetIds: string[], data = {}): MessageRow {
  return { ...row(seq, revision, { type: 'SYSTEM', content: null, system: { kind, actorId: 'ann', targetIds, data } as unknown as NonNullable<Message['system']> }), senderId: null, key: `system ${seq}` }
}

function sent (of: MessageRow, rest: Partial<Operation> = {}): Operation {
  return { kind: 'send', userId: 'ann', chatId: CHAT, outcome: 'ok', lostAttempts: 0, key: of.key ?? '', message: of.message, ...rest }
}

const command: WireCommand = { userId: 'ann', node: 0, type: 'send_message', sentAt: AT, endedAt: AT + 20, end: 'reply' }

/** Ann has said something and edited it, ben has joined, was removed and has joined again; the lines below name what is what. */
function truth (): Evidence {
  const [one, two] = [row(1, 1), row(2, 4, { content: 'edited', editedAt: '2026-01-01T00:02:30.000Z' })]
  return {
    operations: [
      sent(one),
      sent(two, { message: { ...two.message, revision: 2, content: 'said 2', editedAt: null } }),
      { kind: 'edit', userId: 'ann', chatId: CHAT, outcome: 'ok', lostAttempts: 0, messageId: two.id, message: two.message },
      { kind: 'hide', userId: 'cat', chatId: CHAT, outcome: 'ok', lostAttempts: 0, messageId: one.id },
      { kind: 'read', userId: 'cat', chatId: CHAT, outcome: 'ok', lostAttempts: 0, readSeq: 2 },
      { kind: 'send', userId: 'cat', chatId: CHAT, outcome: 'unknown', lostAttempts: 1, key: 'lost' },
      { kind: 'send', userId: 'cat', chatId: CHAT, outcome: 'fail', lostAttempts: 0, key: 'refused', code: 'CHAT_NOT_FOUND' },
    ],
    commands: [command, { ...command, endedAt: AT + 30, end: 'closed' }],
    sightings: [1, 2, 4].map(value => ({ who: 'ann', what: 'frames', value, once: true as const })),
    events: [
      { userId: 'ben', chatId: CHAT, type: 'participant_joined', revision: 6, at: minute(3) }, // SYSTEM message 5, ben's row 6
      { userId: 'ben', chatId: CHAT, type: 'participant_left', revision: 8, at: minute(4) },
      { userId: 'ben', chatId: CHAT, type: 'user_typing', revision: null, at: minute(4) + 1_900 },
      { userId: 'ben', chatId: CHAT, type: 'participant_joined', revision: 10, at: minute(6) },
      { userId: 'ann', chatId: CHAT, type: 'participant_joined', revision: 10, at: minute(6) },
    ],
    database: {
      messages: [one, two, system(3, 5, 'participants_added', ['ben']), system(4, 7, 'participant_removed', ['ben']), system(5, 9, 'participants_added', ['ben'])],
      heads: [{ chatId: CHAT, lastSeq: 5, lastRevision: 10 }],
      revisions: [1, 4, 5, 7, 9].map(revision => ({ chatId: CHAT, revision, row: `row ${revision}` })).concat({ chatId: CHAT, revision: 10, row: 'ben' }),
      miscounted: [],
      hidden: [`cat ${one.id}`],
      watermarks: [{ chatId: CHAT, userId: 'cat', readSeq: 3 }],
    },
    likenesses: [{ who: 'ann', found: { chats: { a: [1] } }, wanted: { chats: { a: [1] } } }],
    presences: [{ of: 'ann', seenBy: 'cat', expected: 'ONLINE', found: 'ONLINE' }],
    holdings: [{ node: 0, base: { heapBytes: 50 * MIB, externalBytes: MIB, handles: { TCPServerWrap: 1, TCPSocketWrap: 20, Timeout: 2 } }, now: { heapBytes: 60 * MIB, externalBytes: MIB, handles: { TCPServerWrap: 1, TCPSocketWrap: 22, Timeout: 3 } } }],
    surprises: [],
    stopped: [],
    busOutages: [],
    sweepMs: 30_000,
    patience: { answer: 10_000, fleeting: 2_000, presence: 45_000 },
  }
}

t.test('of what is true nothing is said', async t => {
  t.strictSame(check(truth()), [])
})

/** One thing is otherwise, and the rule that it breaks says so; in these words. */
const LIES: [Rule, string, (evidence: Evidence) => unknown, RegExp][] = [
  [1, 'an acknowledged message is not there', ({ database }) => database.messages.splice(1, 1), /key 2 was acknowledged as chat\.2, and is nowhere/],
  [1, 'it is there under another seq', ({ operations }) => { operations[0] = sent(row(7, 1), { key: 'key 1' }) }, /key 1 was acknowledged as chat\.7, and is chat\.1/],
  [1, 'it is there with a lower revision', ({ database }) => { database.messages[1] = row(2, 3) }, /edit of chat\.2 by ann, acknowledged with revision 4: the message is at 3/],
  [1, 'it is not what the answer said', ({ database }) => { database.messages[1] = row(2, 4, { content: 'something else' }) }, /edit of chat\.2 .* is .*something else/],
  [1, 'nobody has asked for what has become of it', ({ database }) => { database.messages[1] = row(2, 11) }, /something that nobody has asked for has brought it to 11/],
  [1, 'what was hidden is not', ({ database }) => { database.hidden = [] }, /cat has hidden chat\.1, and it is not/],
  [1, 'what was read is not', ({ database }) => { database.watermarks = [{ chatId: CHAT, userId: 'cat', readSeq: 1 }] }, /cat has read chat up to 2, and stands at 1/],
  [2, 'a message is there twice', ({ database }) => database.messages.push({ ...row(6, 11), key: 'key 1' }), /key 1 is there as chat\.1 and chat\.6/],
  [2, 'its words are there twice, under another key', ({ database }) => {
    database.messages.push({ ...row(6, 11, { content: 'said 1' }), key: 'lost' })
  }, /"said 1" is there as chat\.1 and chat\.6/],
  [2, 'nobody has sent it', ({ database }) => database.messages.push({ ...row(6, 11), key: 'from nowhere' }), /chat\.6 was sent by nobody/],
  [2, 'it was refused', ({ database }) => database.messages.push({ ...row(6, 11), key: 'refused' }), /chat\.6 was refused with CHAT_NOT_FOUND, and is there/],
  [3, 'a seq is missing', ({ database }) => database.messages.splice(3, 1), /its seqs are 1–3, 5, its head says 5/],
  [3, 'the head has another seq', ({ database }) => { database.heads = [{ chatId: CHAT, lastSeq: 6, lastRevision: 10 }] }, /its seqs are 1–5, its head says 6/],
  [3, 'two rows have one revision', ({ database }) => database.revisions.push({ chatId: CHAT, revision: 4, row: 'eve' }), /revision 4 is that of row 4 and eve/],
  [3, 'a revision is above the head', ({ database }) => database.revisions.push({ chatId: CHAT, revision: 11, row: 'eve' }), /eve is at 11, above its head at 10/],
  [3, 'time goes back', ({ database }) => { database.messages[1] = row(2, 4, { content: 'edited', createdAt: new Date(AT).toISOString() }) }, /chat\.2 is from before the message before it/],
  [3, 'counters are wrong', ({ database }) => database.miscounted.push(CHAT), /chat: its counters are not what is there/],
  [4, 'a client holds something else', ({ likenesses }) => likenesses.push({ who: 'ben', found: { chats: { a: [1, 2] } }, wanted: { chats: { a: [1, 3] } } }), /ben: chats\.a\.1 is 2, and should be 3/],
  [4, 'a client lacks something', ({ likenesses }) => likenesses.push({ who: 'ben', found: { chats: {} }, wanted: { chats: { a: [1] } } }), /ben: chats\.a is missing, and should be \[1\]/],
  [5, 'a revision goes back', ({ sightings }) => sightings.push({ who: 'ann', what: 'frames', value: 3 }), /ann: frames went from 4 back to 3/],
  [5, 'a frame comes twice', ({ sightings }) => sightings.push({ who: 'ann', what: 'frames', value: 4, once: true }), /ann: frames came to 4 twice/],
  [6, 'a removed user gets a durable frame', ({ events }) => events.push({ userId: 'ben', chatId: CHAT, type: 'message_received', revision: 9, at: minute(5) }), /ben got message_received of chat with revision 9, and was in it from 6 to 8/],
  [6, 'or one from before they came', ({ events }) => events.push({ userId: 'ben', chatId: CHAT, type: 'message_received', revision: 4, at: minute(2) }), /ben got message_received of chat with revision 4/],
  [6, 'or something fleeting, too late', ({ events }) => events.push({ userId: 'ben', chatId: CHAT, type: 'user_typing', revision: null, at: minute(4) + 5_000 }), /ben got user_typing of chat at/],
  [7, 'a command is never answered', ({ commands }) => commands.push({ ...command, endedAt: null, end: null }), /send_message of ann to node 0 was never answered/],
  [7, 'a command is answered late', ({ commands }) => commands.push({ ...command, endedAt: AT + 12_000 }), /was answered \(reply\) after 12000 ms/],
  [7, 'it is answered with what nobody can make anything of', ({ surprises }) => surprises.push('send by ann was refused with INTERNAL'), /INTERNAL/],
  [8, 'somebody is said to be here who has gone', ({ presences }) => presences.push({ of: 'eve', seenBy: 'cat', expected: 'OFFLINE', found: 'ONLINE' }), /eve is OFFLINE, and cat is told ONLINE/],
  [9, 'the heap grows', ({ holdings: [held] }) => { if (held) held.now.heapBytes += 15 * MIB }, /node 0 has MiB of heapBytes: 50 before, 75 now/],
  [9, 'memory outside of the heap grows', ({ holdings: [held] }) => { if (held) held.now.externalBytes += 20 * MIB }, /node 0 has MiB of externalBytes: 1 before, 21 now/],
  [9, 'sockets stay open', ({ holdings: [held] }) => { if (held) held.now.handles.TCPSocketWrap = 27 }, /node 0 has TCPSocketWrap: 20 before, 27 now/],
  [9, 'timers run on', ({ holdings: [held] }) => { if (held) held.now.handles.Timeout = 9 }, /node 0 has Timeout: 2 before, 9 now/],
  [9, 'there are handles of another kind', ({ holdings: [held] }) => { if (held) held.now.handles.PipeWrap = 1 }, /node 0 has PipeWrap: 0 before, 1 now/],
]

t.test('each rule is broken in each of its ways', async t => {
  for (const [rule, name, lie, words] of LIES) {
    const evidence = truth()
    lie(evidence)
    const found = check(evidence)
    t.ok(found.some(violation => violation.rule === rule && words.test(violation.what)), `(${rule}) ${name}`, { found })
  }
  t.strictSame([...new Set(LIES.map(([rule]) => rule))], [1, 2, 3, 4, 5, 6, 7, 8, 9])
})

t.test('what is granted', async t => {
  const grants: [string, (evidence: Evidence) => unknown][] = [
    ['a lost send may be there', ({ database }) => {
      database.messages.push({ ...row(6, 11), key: 'lost' })
      database.heads = [{ chatId: CHAT, lastSeq: 6, lastRevision: 11 }]
    }],
    ['what was asked and not answered may have happened later', ({ database, operations }) => {
      database.messages[1] = row(2, 9, { content: 'edited later' })
      operations.push({ kind: 'edit', userId: 'ann', chatId: CHAT, outcome: 'unknown', lostAttempts: 1, messageId: `${CHAT}.2` })
    }],
    ['a node that is stopped owes no answer meanwhile', ({ commands, stopped }) => {
      commands.push({ ...command, endedAt: AT + 65_000 })
      stopped.push({ node: 0, from: AT + 1_000, to: AT + 61_000 })
    }],
    ['without a bus the fleeting ends by the sweep', ({ events, busOutages }) => {
      events.push({ userId: 'ben', chatId: CHAT, type: 'user_typing', revision: null, at: minute(4) + 20_000 })
      busOutages.push({ from: minute(3), to: minute(5) })
    }],
    ['a chat may have no history of coming and going', ({ events }) => events.push({ userId: 'ann', chatId: 'other', type: 'message_received', revision: 1, at: AT })],
  ]
  for (const [name, grant] of grants) {
    const evidence = truth()
    grant(evidence)
    t.strictSame(check(evidence), [], name)
  }
})

t.test('but only that', async t => {
  const evidence = truth()
  evidence.commands.push({ ...command, endedAt: AT + 75_000 })
  evidence.stopped.push({ node: 0, from: AT + 1_000, to: AT + 61_000 }, { node: 1, from: AT, to: AT + 75_000 })
  evidence.events.push({ userId: 'ben', chatId: CHAT, type: 'user_typing', revision: null, at: minute(4) + 40_000 })
  evidence.busOutages.push({ from: minute(3), to: minute(5) })
  t.strictSame(check(evidence).map(({ rule }) => rule), [6, 7])
})
