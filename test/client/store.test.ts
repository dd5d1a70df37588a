import t from 'tap'
import type { EventFrame } from '../../src/client/frames.ts'
import { emptyChat, EMPTY_STATE, type ChatState, type ClientState } from '../../src/client/state.ts'
import {
  apply, applyAcknowledged, applyChanges, applySynced, applyUnveiled, applyWatermark, finishOlder, resumed, startOlder, withoutChats,
} from '../../src/client/store.ts'
import {
  AT, CHAT, chat, edited, frame, head, hidden, inbox, membership, message, page, participant, received, redacted, reset, synced, unknownFrame, view,
} from '../helpers/samples.ts'

const connected = resumed(EMPTY_STATE, { userId: 'alice', epoch: 'one' })

/** Alice is in a chat with Bob; messages 1 to 3 at the revisions 11 to 13, the inbox at 5. */
const start = applyChanges(
  applySynced(connected, [synced(5, { memberships: [membership(5)], heads: [head(13)], blocks: [] })]),
  reset(13, {
    head: head(13, { lastSeq: 3, messageCount: 3 }),
    messages: [message(1), message(2), message(3)],
    watermarks: [{ userId: 'alice', deliveredSeq: 2, readSeq: 1 }, { userId: 'bob', deliveredSeq: 3, readSeq: 3 }],
  }))

function play (state: ClientState, ...frames: EventFrame[]): ClientState {
  return frames.reduce(apply, state)
}

function only (state: ClientState): ChatState {
  const chat = state.chats.get(CHAT)
  if (!chat) throw new Error('The chat is not in the store')
  return chat
}

const seqs = (state: ClientState): number[] => [...only(state).messages.keys()].sort((a, b) => a - b)
const contents = (state: ClientState) => Object.fromEntries([...only(state).messages].map(([seq, { content }]) => [seq, content]))

t.test('the start that the tests share is complete', async t => {
  t.match(only(start), { cursor: 13, loaded: true, stale: false, veiled: false, held: [] })
  t.match(start, { inboxStale: false, inboxRevision: 5, epoch: 'one' })
  t.same(seqs(start), [1, 2, 3])
  t.same([...only(start).participants.keys()], ['alice', 'bob'])
  t.match(only(start).head, { readSeq: 1, deliveredSeq: 2, lastSeq: 3 })
})

t.test('frames move the cursor if they follow it', async t => {
  const next = play(start, received(4, 14), edited(2, 15))
  t.equal(only(next).cursor, 15)
  t.same(contents(next), { 1: 'text 1', 2: 'edited 15', 3: 'text 3', 4: 'text 4' })
  t.match(only(next).head, { lastRevision: 15, lastSeq: 4, messageCount: 4, lastMessageAt: AT })
})

t.test('an old frame changes nothing', async t => {
  t.equal(play(start, edited(2, 13)), start)
  t.equal(play(start, edited(2, 9)), start)
})

t.test('a frame that covers more than is new is applied', async t => {
  const next = play(start, received(4, 15, {}, 10))
  t.equal(only(next).cursor, 15)
  t.equal(only(next).stale, false)
})

t.test('nothing is changed in place', async t => {
  const before = structuredClone(start)
  play(start, received(4, 14), edited(2, 15), frame('participant_left', 16, { participants: [participant('bob', 16, { state: 'LEFT' })], reason: 'left', actorId: 'bob' }),
    inbox(6, { hidden: hidden(1), blocks: ['bob'] }))
  t.same(start, before)
})

t.test('what a frame does not touch stays identical', async t => {
  const other = '01900000-0000-7000-8000-000000000002'
  const two = play(start, inbox(6, { memberships: [membership(6, { chatId: other })] }))
  const next = play(two, received(4, 14))
  t.equal(next.chats.get(other), two.chats.get(other))
  t.equal(only(next).participants, only(two).participants)
})

t.test('after a gap', async t => {
  const gap = play(start, received(5, 16, {}, 15), edited(5, 17))

  t.test('nothing is applied, and the chat asks for changes', async t => {
    t.match(only(gap), { cursor: 13, stale: true })
    t.same(seqs(gap), [1, 2, 3])
  })
  t.test('what came meanwhile is applied after the changes', async t => {
    const next = applyChanges(gap, page(13, 15, { messages: [message(2, { revision: 14, content: 'missed' }), message(4, { revision: 15 })], head: head(15, { lastSeq: 4 }) }))
    t.match(only(next), { cursor: 17, stale: false, held: [] })
    t.same(contents(next), { 1: 'text 1', 2: 'missed', 3: 'text 3', 4: 'text 4', 5: 'edited 17' })
  })
  t.test('what the changes have told already is dropped', async t => {
    const next = applyChanges(gap, page(13, 18, { messages: [message(4, { revision: 15 }), message(5, { revision: 18, content: 'newest' })] }))
    t.match(only(next), { cursor: 18, stale: false, held: [] })
    t.equal(contents(next)[5], 'newest')
  })
  t.test('changes that do not reach it leave it open', async t => {
    const next = applyChanges(gap, page(13, 14, { messages: [message(2, { revision: 14, content: 'missed' })] }))
    t.match(only(next), { cursor: 14, stale: true })
    t.equal(only(next).held.length, 2)
  })
  t.test('a repair by the server closes it', async t => {
    const next = apply(gap, { type: 'changes', chatId: CHAT, data: page(13, 15, { messages: [message(4, { revision: 15 })] }) })
    t.equal(only(next).cursor, 17)
    t.same(seqs(next), [1, 2, 3, 4, 5])
  })
  t.test('more than can be held is asked for', async t => {
    const many = play(start, ...Array.from({ length: 300 }, (_, index) => edited(1, 20 + index)))
    const next = applyChanges(many, page(13, 19))
    t.match(only(next), { cursor: 19, stale: true })
  })
})

t.test('a changes event', async t => {
  t.test('that starts above the cursor is held', async t => {
    const next = apply(start, { type: 'changes', chatId: CHAT, data: page(15, 16, { messages: [message(4, { revision: 16 })] }) })
    t.match(only(next), { cursor: 13, stale: true })
    t.same(seqs(applyChanges(next, page(13, 15))), [1, 2, 3, 4])
  })
  t.test('brings watermarks without moving the cursor', async t => {
    const next = apply(start, { type: 'changes', chatId: CHAT, data: page(10, 13, { watermarks: [{ userId: 'alice', deliveredSeq: 3, readSeq: 3 }] }) })
    t.same(only(next).watermarks.get('alice'), { userId: 'alice', deliveredSeq: 3, readSeq: 3 })
    t.equal(only(next).cursor, 13)
  })
  t.test('may be a reset', async t => {
    const next = apply(start, { type: 'changes', chatId: CHAT, data: reset(40, { messages: [message(9, { revision: 40 })], hasOlder: true }) })
    t.match(only(next), { cursor: 40, stale: false, hasOlder: true, fromSeq: 9 })
    t.same(seqs(next), [9])
  })
  t.test('does not end a fetch that is under way', async t => {
    const stale = resumed(start, { userId: 'alice', epoch: 'one' })
    const next = apply(stale, { type: 'changes', chatId: CHAT, data: page(13, 14) })
    t.match(only(next), { cursor: 14, stale: true })
  })
})

t.test('changes', async t => {
  const stale = resumed(start, { userId: 'alice', epoch: 'one' })

  t.test('of several pages leave the chat stale until the last', async t => {
    const first = applyChanges(stale, page(13, 20, { hasMore: true }))
    t.match(only(first), { cursor: 20, stale: true })
    t.match(only(applyChanges(first, page(20, 30))), { cursor: 30, stale: false })
  })
  t.test('that start above the cursor are not applied', async t => {
    t.equal(applyChanges(stale, page(14, 20)), stale)
  })
  t.test('do not bring back whom a frame has meanwhile taken out', async t => {
    const left = play(stale, frame('participant_left', 15, { participants: [participant('bob', 15, { state: 'LEFT' })], reason: 'left', actorId: 'bob' }, 13))
    const next = applyChanges(left, page(13, 14, { participants: [participant('bob', 14, { label: 'FRIEND' })] }))
    t.same([...only(next).participants.keys()], ['alice'])
    t.match(only(next), { cursor: 15, stale: false })
  })
  t.test('take out participants who are not JOINED any more', async t => {
    const next = applyChanges(stale, page(13, 14, { participants: [participant('bob', 14, { state: 'REMOVED' })] }))
    t.same([...only(next).participants.keys()], ['alice'])
    t.same([...only(next).watermarks.keys()], ['alice'])
  })
  t.test('bring the chat itself', async t => {
    t.match(only(applyChanges(stale, page(13, 14, { chat: chat(14, { name: 'Colleagues' }) }))).chat, { name: 'Colleagues', revision: 14 })
  })
  t.test('of an unknown chat are ignored', async t => {
    t.equal(applyChanges(connected, page(0, 14)), connected)
  })
  t.test('a reset replaces messages and participants', async t => {
    const next = applyChanges(stale, reset(90, { participants: [participant('alice', 2), participant('carol', 80)], messages: [message(70, { revision: 90 })], hasOlder: true }))
    t.same(seqs(next), [70])
    t.same([...only(next).participants.keys()], ['alice', 'carol'])
    t.match(only(next), { cursor: 90, fromSeq: 70, hasOlder: true, stale: false })
    t.notOk(only(next).watermarks.has('bob'))
  })
  t.test('a reset keeps what has been acknowledged since', async t => {
    const acknowledged = applyAcknowledged(stale, message(71, { revision: 91 }))
    t.same(seqs(applyChanges(acknowledged, reset(90, { messages: [message(70, { revision: 90 })], hasOlder: true }))), [70, 71])
  })
  t.test('a reset that frames have overtaken changes no rows', async t => {
    const next = applyChanges(play(stale, received(4, 14)), reset(13, { messages: [message(3)] }))
    t.same(seqs(next), [1, 2, 3, 4])
    t.match(only(next), { cursor: 14, stale: false })
  })
})

t.test('a row overwrites only an older one', async t => {
  const acknowledged = applyAcknowledged(start, message(2, { revision: 15, content: 'mine' }))
  t.equal(contents(play(acknowledged, received(4, 14)))[2], 'mine')
  t.equal(contents(applyAcknowledged(acknowledged, message(2, { revision: 12, content: 'late' })))[2], 'mine')
})

t.test('an acknowledgement does not move the cursor', async t => {
  const next = applyAcknowledged(start, message(5, { revision: 15 }))
  t.equal(only(next).cursor, 13)
  t.same(seqs(next), [1, 2, 3, 5])
  const later = play(next, received(4, 14), received(5, 15))
  t.same(seqs(later), [1, 2, 3, 4, 5])
  t.match(only(later), { cursor: 15, stale: false })
  t.equal(only(later).head.messageCount, 5)
})

t.test('revision_skipped only moves the cursor', async t => {
  const next = play(start, frame('revision_skipped', 14, {}))
  t.equal(only(next).cursor, 14)
  t.same(only(next).messages, only(start).messages)
})

t.test('of an unknown durable event the rows are understood', async t => {
  const next = play(start, unknownFrame(14, { message: message(2, { revision: 14, pinned: { userId: 'bob', at: AT } }), novelty: 1 }))
  t.match(only(next).messages.get(2), { pinned: { userId: 'bob' } })
  t.equal(only(next).cursor, 14)
})

t.test('the top of a thread that comes along', async t => {
  const reply = (root: object) => frame('message_received', 15, { message: message(4, { revision: 15, threadRoot: { messageId: `${CHAT}.2`, seq: 2 } }), threadRoot: message(2, { revision: 14, ...root }) }, 13)
  const top = (state: ClientState) => only(state).messages.get(2)
  const thread = { replyCount: 1, lastReplySeq: 4 }

  t.test('is put in like any row, and counts once with its message', async t => {
    const next = play(start, reply({ thread }))
    t.match(top(next), { revision: 14, thread })
    t.match(only(next), { cursor: 15, head: { lastSeq: 4, messageCount: 4 } })
  })
  t.test('does not overwrite a newer one', async t => {
    t.match(top(play(applyAcknowledged(start, message(2, { revision: 20, content: 'newer' })), reply({ thread }))), { revision: 20, content: 'newer' })
  })
  t.test('may be missing, below the bound or hidden', async t => {
    t.equal(top(play(start, received(4, 15, {}, 13))), top(start))
    t.equal(top(play(start, inbox(6, { memberships: [membership(6, { clearedSeq: 2 })] }), reply({ thread }))), undefined)
    t.equal(top(play(start, inbox(6, { hidden: hidden(2) }), reply({ thread }))), undefined)
  })
  t.test('is redacted by itself: of somebody whom the user blocks', async t => {
    const next = play(start, inbox(6, { blocks: ['carol'] }), reply({ thread, senderId: 'carol', content: 'secret', mentions: { userIds: ['alice'], all: true } }))
    t.match(top(next), { content: null, mentions: { userIds: [], all: false }, fromBlocked: true, thread })
    t.equal(contents(next)[4], 'text 4')
  })
})

t.test('what is below the bound', async t => {
  const cleared = play(start, inbox(6, { memberships: [membership(6, { clearedSeq: 2 })] }))

  t.test('is dropped', async t => {
    t.same(seqs(cleared), [3])
  })
  t.test('never enters again', async t => {
    t.same(seqs(play(cleared, edited(1, 14))), [3])
    t.same(seqs(applyAcknowledged(cleared, message(2, { revision: 99 }))), [3])
    t.same(seqs(applyChanges(resumed(cleared, { userId: 'alice', epoch: 'one' }), page(13, 14, { messages: [message(1, { revision: 14 })] }))), [3])
  })
  t.test('may be ahead of what has come: the head is asked for', async t => {
    t.equal(only(cleared).stale, false)
    const ahead = play(start, inbox(6, { memberships: [membership(6, { clearedSeq: 4 })] }), frame('revision_skipped', 14, {}))
    t.match(only(ahead), { cursor: 14, stale: true, head: { lastSeq: 3 } })
    t.match(only(applyChanges(ahead, page(13, 13, { head: head(13, { lastSeq: 3 }) }))), { stale: true }, 'an answer from before does not do')
    const next = applyChanges(ahead, page(13, 14, { head: head(14, { lastSeq: 4, messageCount: 4 }) }))
    t.match(only(next), { cursor: 14, stale: false, head: { lastSeq: 4, messageCount: 4 } })
  })
  t.test('rises with minSeq', async t => {
    const trimmed = play(start, unknownFrame(14, { minSeq: 3 }))
    t.same(seqs(trimmed), [3])
    t.match(only(trimmed), { head: { minSeq: 3 }, hasOlder: false })
    t.same(seqs(applyChanges(resumed(start, { userId: 'alice', epoch: 'one' }), page(13, 14, { head: head(14, { minSeq: 4 }) }))), [])
  })
})

t.test('hidden messages', async t => {
  t.test('are dropped, and never enter again', async t => {
    const next = play(start, inbox(6, { hidden: hidden(2) }), edited(2, 14))
    t.same(seqs(next), [1, 3])
  })
  t.test('may be told before they come', async t => {
    t.same(seqs(play(start, inbox(6, { hidden: hidden(4) }), received(4, 14))), [1, 2, 3])
  })
  t.test('come with sync as well', async t => {
    t.same(seqs(applySynced(resumed(start, { userId: 'alice', epoch: 'one' }), [synced(6, { heads: [head(13)], hidden: hidden(1, 3) })])), [2])
  })
})

t.test('blocking', async t => {
  const mentioned = play(start, edited(2, 14, { metadata: { a: 1 }, mentions: { userIds: ['alice'], all: true } }))
  const blocked = play(mentioned, inbox(6, { blocks: ['bob'] }))

  t.test('redacts what is here', async t => {
    t.same(only(blocked).messages.get(2), redacted(2, { revision: 14, editedAt: AT }))
    t.equal(only(blocked).veiled, false)
  })
  t.test('redacts what comes, however it comes', async t => {
    t.match(only(play(blocked, received(4, 15))).messages.get(4), { content: null, fromBlocked: true })
    t.match(only(applyAcknowledged(blocked, message(3, { revision: 16 }))).messages.get(3), { content: null, fromBlocked: true })
  })
  t.test('leaves others and SYSTEM messages alone', async t => {
    const next = play(blocked, received(4, 15, { senderId: 'carol' }), received(5, 16, { senderId: null, type: 'SYSTEM', content: null, system: { kind: 'x', actorId: 'bob', targetIds: [], data: {} } }))
    t.equal(only(next).messages.get(4)?.content, 'text 4')
    t.notOk(only(next).messages.get(5)?.fromBlocked)
  })
  t.test('ended: the contents are asked for, and overwrite rows of the same revision', async t => {
    const unblocked = play(blocked, inbox(7, { blocks: [] }))
    t.equal(only(unblocked).veiled, true)
    const next = applyUnveiled(unblocked, CHAT, [message(1), message(2, { revision: 14, content: 'again' }), message(3)])
    t.equal(only(next).veiled, false)
    t.same(contents(next), { 1: 'text 1', 2: 'again', 3: 'text 3' })
    t.equal(only(applyUnveiled(unblocked, CHAT, [message(1)])).veiled, true, 'until all are here')
  })
  t.test('a redacted message of somebody who is not blocked is asked for', async t => {
    t.equal(only(play(start, frame('message_received', 14, { message: redacted(4, { revision: 14 }) }))).veiled, true)
  })
})

t.test('watermarks', async t => {
  const read = (userId: string, readSeq: number): EventFrame => ({ type: 'messages_read', chatId: CHAT, data: { userId, readSeq, at: AT } })
  const delivered = (userId: string, deliveredSeq: number): EventFrame => ({ type: 'messages_delivered', chatId: CHAT, data: { userId, deliveredSeq, at: AT } })
  const mark = (state: ClientState, userId: string) => only(state).watermarks.get(userId)

  t.test('are merged by their maximum', async t => {
    t.same(mark(play(start, read('alice', 3), delivered('alice', 2), read('alice', 2)), 'alice'), { userId: 'alice', deliveredSeq: 3, readSeq: 3 })
    t.match(only(play(start, read('alice', 3))).head, { readSeq: 3, deliveredSeq: 3 })
  })
  t.test('do not move the cursor', async t => {
    t.equal(only(play(start, read('alice', 3))).cursor, 13)
  })
  t.test('come with the sender\'s message', async t => {
    const next = play(start, frame('message_received', 14, { message: message(4, { revision: 14 }), watermark: { userId: 'bob', deliveredSeq: 4, readSeq: 4 } }))
    t.same(mark(next, 'bob'), { userId: 'bob', deliveredSeq: 4, readSeq: 4 })
  })
  t.test('come with the reply', async t => {
    t.same(mark(applyWatermark(start, CHAT, { userId: 'alice', deliveredSeq: 3, readSeq: 3 }), 'alice'), { userId: 'alice', deliveredSeq: 3, readSeq: 3 })
  })
  t.test('go with their participant, and late ones do not come back', async t => {
    const left = play(start, frame('participant_left', 14, { participants: [participant('bob', 14, { state: 'LEFT' })], reason: 'left', actorId: 'bob' }))
    t.notOk(mark(play(left, read('bob', 3)), 'bob'))
  })
  t.test('of who joins stand at the last message before', async t => {
    const joined = frame('participant_joined', 15, {
      participants: [participant('carol', 15)], reason: 'added', actorId: 'bob', message: message(4, { revision: 14, type: 'SYSTEM', senderId: null }),
    }, 13)
    t.same(mark(play(start, joined), 'carol'), { userId: 'carol', deliveredSeq: 3, readSeq: 3 })
    t.same(mark(play(start, read('carol', 4), joined), 'carol'), { userId: 'carol', deliveredSeq: 4, readSeq: 4 }, 'also if their event was faster')
    t.match(only(play(start, joined)).head, { memberCount: 3, lastSeq: 4, messageCount: 3 })
  })
})

t.test('the inbox', async t => {
  t.test('an old event changes nothing', async t => {
    t.equal(play(start, inbox(5, { hidden: hidden(1) })), start)
  })
  t.test('after a gap events wait for sync', async t => {
    const gap = play(start, inbox(7, { hidden: hidden(2) }))
    t.match(gap, { inboxStale: true, inboxRevision: 5 })
    t.same(seqs(gap), [1, 2, 3])
    const next = applySynced(gap, [synced(6, { heads: [head(13)], hidden: hidden(1) })])
    t.match(next, { inboxStale: false, inboxRevision: 7, heldInbox: [] })
    t.same(seqs(next), [3])
  })
  t.test('during a sync all events wait, since it may be older', async t => {
    const other = '01900000-0000-7000-8000-000000000002'
    const syncing = resumed(start, { userId: 'alice', epoch: 'one' })
    const next = applySynced(play(syncing, inbox(6, { memberships: [membership(6, { chatId: other })] })), [synced(5, { heads: [head(13)] })])
    t.ok(next.chats.has(other))
    t.equal(next.inboxRevision, 6)
  })
  t.test('a new chat is to be loaded', async t => {
    const next = play(connected, ...[])
    const live = applySynced(next, [synced(0)])
    t.match(only(play(live, inbox(1, { memberships: [membership(1)] }))), { loaded: false, cursor: 0, stale: true })
  })
  t.test('a chat that is left is dropped', async t => {
    t.equal(play(start, inbox(6, { removed: [CHAT] })).chats.size, 0)
  })
  t.test('a chat that has been joined again is loaded anew', async t => {
    const again = play(start, inbox(6, { memberships: [membership(6, { joinRevision: 30, visibleFromSeq: 9 })] }))
    t.match(only(again), { loaded: false, cursor: 0, stale: true })
    t.same(seqs(again), [])
    t.equal(applyChanges(again, reset(20)), again, 'an answer from before joining does not count')
    t.equal(only(applyChanges(again, reset(31))).loaded, true)
  })
  t.test('an older membership does not overwrite', async t => {
    const next = play(start, inbox(6, { memberships: [membership(6, { pinnedAt: AT })] }), inbox(7, { memberships: [membership(5)] }))
    t.equal(only(next).membership?.pinnedAt, AT)
  })
})

t.test('sync', async t => {
  const syncing = resumed(start, { userId: 'alice', epoch: 'one' })
  const other = '01900000-0000-7000-8000-000000000002'

  t.test('drops what it does not name, over all pages', async t => {
    const two = play(start, inbox(6, { memberships: [membership(6, { chatId: other })] }))
    const resume = resumed(two, { userId: 'alice', epoch: 'one' })
    t.same([...applySynced(resume, [synced(6, { heads: [head(13)], nextCursor: 'more' }), synced(6, { heads: [head(1, { chatId: other })] })]).chats.keys()], [CHAT, other])
    t.same([...applySynced(resume, [synced(6, { heads: [head(13)] })]).chats.keys()], [CHAT])
  })
  t.test('its revision is that of the first page', async t => {
    t.equal(applySynced(syncing, [synced(6, { heads: [head(13)], nextCursor: 'more' }), synced(9)]).inboxRevision, 6)
  })
  t.test('starts from nothing after a reset', async t => {
    const next = applySynced(syncing, [synced(3, { epoch: 'two', reset: true, memberships: [membership(1)], heads: [head(4)] })])
    t.match(only(next), { loaded: false, cursor: 0 })
    t.match(next, { epoch: 'two', inboxRevision: 3, userId: 'alice' })
  })
  t.test('begins again when it names a chat that nothing is known of', async t => {
    t.match(applySynced(syncing, [synced(6, { heads: [head(13), head(1, { chatId: other })] })]), { inboxRevision: 0, inboxStale: true })
  })
  t.test('makes every chat stale', async t => {
    t.match(only(syncing), { stale: true, cursor: 13 })
  })
  t.test('another epoch or user forgets everything', async t => {
    t.equal(resumed(start, { userId: 'alice', epoch: 'two' }).chats.size, 0)
    t.equal(resumed(start, { userId: 'alice', epoch: 'two' }).inboxRevision, 0)
    t.equal(resumed(start, { userId: 'bob', epoch: 'one' }).chats.size, 0)
  })
})

t.test('a chat that has just been made', async t => {
  const live = applySynced(connected, [synced(5)])
  const created = frame('chat_created', 3, view(3), 0)

  t.test('is complete, before its membership', async t => {
    const next = play(live, created)
    t.match(only(next), { loaded: true, cursor: 3, stale: false, membership: null, chat: { name: 'Friends' } })
    t.same([...only(next).watermarks.values()], [{ userId: 'alice', deliveredSeq: 0, readSeq: 0 }, { userId: 'bob', deliveredSeq: 0, readSeq: 0 }])
    const later = play(next, inbox(6, { memberships: [membership(6)] }), received(1, 4))
    t.match(only(later), { cursor: 4, membership: { joinRevision: 2 }, stale: false })
    t.same(seqs(later), [1])
  })
  t.test('or after it', async t => {
    const next = play(live, inbox(6, { memberships: [membership(6)] }), created)
    t.match(only(next), { loaded: true, cursor: 3, stale: false, membership: { joinRevision: 2 } })
  })
  t.test('is loaded when the view does not say all', async t => {
    t.match(only(play(live, frame('chat_created', 3, view(3, { head: head(3, { memberCount: 60 }) }), 0))), { loaded: false, stale: true })
    t.match(only(play(live, frame('chat_created', 5, view(5, { head: head(5, { lastSeq: 2 }), lastMessage: message(2) }), 0))), { loaded: false, stale: true })
  })
  t.test('is not made again', async t => {
    t.equal(play(start, created), start)
  })
})

t.test('chat_deleted drops the chat', async t => {
  t.equal(play(start, { type: 'chat_deleted', chatId: CHAT, data: { chatId: CHAT } }).chats.size, 0)
  t.equal(withoutChats(start, [CHAT]).chats.size, 0)
})

t.test('chat_updated and participant_updated', async t => {
  const next = play(start, frame('chat_updated', 14, { chat: chat(14, { name: 'Colleagues' }) }),
    frame('participant_updated', 16, { participants: [participant('bob', 16, { role: 'ADMIN' })], reason: 'role_changed', actorId: 'alice', message: message(4, { revision: 15 }) }, 14))
  t.equal(only(next).chat?.name, 'Colleagues')
  t.equal(only(next).participants.get('bob')?.role, 'ADMIN')
  t.same(seqs(next), [1, 2, 3, 4])
})

t.test('the archive', async t => {
  const archiving = (mutedUntil: string | null, archivedSeq = 3) => inbox(6, { memberships: [membership(6, { archived: true, archivedSeq, mutedUntil })] })
  const archived = (mutedUntil: string | null = null) => play(start, archiving(mutedUntil))
  const isArchived = (state: ClientState) => only(state).membership?.archived

  t.equal(isArchived(play(archived(), received(4, 14))), false, 'a message takes a chat out')
  t.equal(isArchived(play(archived(), received(4, 14, { type: 'SYSTEM', senderId: null }))), true, 'but no SYSTEM message')
  t.equal(isArchived(play(archived(), edited(2, 14))), true, 'nor an edit')
  t.equal(isArchived(play(archived('2099-01-01T00:00:00.000Z'), received(4, 14))), true, 'nor if it is muted')
  t.equal(isArchived(play(archived('2000-01-01T00:00:00.000Z'), received(4, 14))), false)
  t.equal(isArchived(play(start, received(4, 14), archiving(null))), false, 'also if it comes first')
  t.equal(isArchived(play(start, received(4, 14, { type: 'SYSTEM', senderId: null }), archiving(null))), true)
  t.equal(isArchived(play(start, received(4, 14), archiving('2099-01-01T00:00:00.000Z'))), true)
  t.equal(isArchived(play(start, archiving(null, 4), received(4, 14))), true, 'unless it is older, and came late')
  const away = resumed(archived(null), { userId: 'alice', epoch: 'one' })
  t.equal(isArchived(applySynced(away, [synced(6, { heads: [head(14, { lastSeq: 4, lastOrdinalSeq: 4 })] })])), false, 'also while away')
  t.equal(isArchived(applySynced(away, [synced(7, { memberships: [membership(7, { archived: true, archivedSeq: 4 })], heads: [head(14, { lastSeq: 4, lastOrdinalSeq: 4 })] })])), true, 'unless it was archived after that')
  t.equal(isArchived(applySynced(connected, [synced(6, { memberships: [membership(6, { archived: true, archivedSeq: 3 })], heads: [head(13, { lastSeq: 4, lastOrdinalSeq: 3 })] })])), true, 'not by a SYSTEM message')
})

t.test('older messages', async t => {
  const short = applyChanges(resumed(start, { userId: 'alice', epoch: 'one' }),
    reset(90, { messages: [message(70, { revision: 90 })], hasOlder: true, head: head(90, { lastSeq: 70 }) }))
  const live = applySynced(short, [synced(5, { heads: [head(90)] })])

  t.test('changes to what is not loaded are left out', async t => {
    t.same(seqs(play(live, edited(3, 91))), [70])
  })
  t.test('a page extends the range', async t => {
    const next = finishOlder(startOlder(live, CHAT), CHAT, 70, { data: [message(68), message(69)], nextCursor: '68' })
    t.same(seqs(next), [68, 69, 70])
    t.match(only(next), { fromSeq: 68, hasOlder: true, older: null })
    const all = finishOlder(startOlder(next, CHAT), CHAT, 68, { data: [message(1)], nextCursor: null })
    t.match(only(all), { fromSeq: 1, hasOlder: false })
  })
  t.test('changes that overtake the page are kept', async t => {
    const next = finishOlder(play(startOlder(live, CHAT), edited(69, 91), edited(3, 92)), CHAT, 70, { data: [message(68), message(69)], nextCursor: '68' })
    t.same(contents(next), { 68: 'text 68', 69: 'edited 91', 70: 'text 70' })
  })
  t.test('a page that does not reach the range any more is dropped', async t => {
    const replaced = apply(startOlder(live, CHAT), { type: 'changes', chatId: CHAT, data: reset(99, { messages: [message(80, { revision: 99 })], hasOlder: true }) })
    t.same(seqs(finishOlder(replaced, CHAT, 70, { data: [message(69)], nextCursor: null })), [80])
  })
  t.test('a page that has not come changes nothing', async t => {
    t.match(only(finishOlder(startOlder(live, CHAT), CHAT, 70, null)), { fromSeq: 70, hasOlder: true, older: null })
  })
})

t.test('frames of an unknown chat are ignored', async t => {
  t.equal(play(connected, received(1, 2)), connected)
  t.equal(emptyChat(CHAT).loaded, false)
})
