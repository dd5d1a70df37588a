/**
 * The chain of one chat: its cursor moves only over frames without a gap, and by `upTo` of what the server has read for us.
 *
 * - a frame that the cursor has passed is old, and dropped
 * - one that starts at the cursor or below it is applied
 * - one that starts above it is held, and the chat is stale: `changes` since the cursor is asked for. What is held then is
 *   either old or follows
 * - of `changes`, rows that the cursor has passed meanwhile are dropped: frames have told them, or something newer
 */
import type { Changes, Chat, ChatView, Message, Participant, Watermark } from '../contract.ts'
import { trimmed, withHead, withMessages, withNewMessage, withParticipants, withWatermarks, type Viewer } from './chat-rows.ts'
import type { EventFrame } from './frames.ts'
import { bound, isBehindBound, type ChatState } from './state.ts'

type Reset = Extract<Changes, { reset: true }>
export type HistoryPage = { data: Message[], nextCursor: string | null }

/** What a durable frame tells is its rows, whatever its type: types that come later are understood as far as their rows are. */
interface Rows { chat?: Chat, participants?: Participant[], participant?: Participant, message?: Message, threadRoot?: Message, watermark?: Watermark, minSeq?: number }

/** More than this are not held: what was dropped is a gap, and is asked for. */
const MAX_HELD = 256

export function applyFrame (chat: ChatState, frame: EventFrame, viewer: Viewer): ChatState {
  const { previousRevision = 0, revision = 0 } = frame
  if (revision <= chat.cursor) return chat
  if (chat.loaded && previousRevision <= chat.cursor) return settled(passed(chat, frame, viewer), viewer)
  return { ...chat, stale: true, held: [...chat.held, frame].slice(-MAX_HELD) }
}

function passed (chat: ChatState, { type, revision = 0, data }: EventFrame, viewer: Viewer): ChatState {
  if (type === 'changes') return withChanges(chat, data, viewer) ?? chat
  const { chat: session, participants = [], participant, message, threadRoot, watermark, minSeq } = type === 'chat_created' ? {} : data as Rows
  let next = withSession(chat, session)
  next = withJoiners(withParticipants(next, participant ? [participant] : participants, viewer), chat, viewer, watermark)
  if (threadRoot) next = withMessages(next, [threadRoot], viewer)
  if (message) next = withNewMessage(withMessages(next, [message], viewer), message)
  if (watermark) next = withWatermarks(next, [watermark], viewer)
  if (minSeq !== undefined) next = trimmed({ ...next, head: { ...next.head, minSeq: Math.max(minSeq, next.head.minSeq) } })
  return { ...next, cursor: revision, head: { ...next.head, lastRevision: Math.max(revision, next.head.lastRevision) } }
}

function withSession (chat: ChatState, session: Chat | null | undefined): ChatState {
  return session && session.revision > (chat.chat?.revision ?? 0) ? { ...chat, chat: session } : chat
}

/** Who joins has nothing unread: their watermarks stand at the last message before, unless the frame says where. (Where not all are known, nobody's are kept.) */
function withJoiners (chat: ChatState, { participants, head: { lastSeq, memberCount } }: ChatState, viewer: Viewer, said: Watermark | undefined): ChatState {
  if (participants.size < memberCount) return chat
  const joiners = [...chat.participants.keys()].filter(userId => !participants.has(userId) && userId !== said?.userId)
  return joiners.length === 0 ? chat : withWatermarks(chat, joiners.map(userId => ({ userId, deliveredSeq: lastSeq, readSeq: lastSeq })), viewer)
}

/** Applies what was held and has got its turn. */
function settled (chat: ChatState, viewer: Viewer): ChatState {
  if (chat.held.length === 0) return chat
  const held: EventFrame[] = []
  let next = chat
  for (const frame of chat.held.toSorted((a, b) => (a.revision ?? 0) - (b.revision ?? 0))) {
    const { previousRevision = 0, revision = 0 } = frame
    if (revision <= next.cursor) continue
    if (previousRevision <= next.cursor) next = passed(next, frame, viewer)
    else held.push(frame)
  }
  return { ...next, held, stale: next.stale || held.length > 0 }
}

/** The answer to `changes`. */
export function applyReply (chat: ChatState, changes: Changes, viewer: Viewer): ChatState {
  const next = withChanges(chat, changes, viewer)
  return next ? settled({ ...next, stale: ('since' in changes && changes.hasMore) || isBehindBound(next) }, viewer) : chat
}

/** `changes` that the server has sent by itself, having repaired a gap: a frame that covers more. */
export function applyRepair (chat: ChatState, frame: EventFrame<'changes'>, viewer: Viewer): ChatState {
  const { data } = frame
  const next = withChanges(chat, data, viewer)
  if (next) return settled(next, viewer)
  return 'since' in data ? applyFrame(chat, { ...frame, previousRevision: data.since, revision: data.upTo }, viewer) : chat
}

/** @returns null if the two do not go together: there is a gap between them, or the user has joined again since. */
function withChanges (chat: ChatState, changes: Changes, viewer: Viewer): ChatState | null {
  const joinRevision = chat.membership?.joinRevision ?? 0
  if (changes.upTo < joinRevision) return null
  if ('reset' in changes) return changes.upTo < chat.cursor ? withWatermarks(chat, changes.watermarks, viewer) : replaced(chat, changes, viewer)
  if (!chat.loaded || changes.since > chat.cursor) return null
  const isNew = ({ revision }: { revision: number }) => revision > chat.cursor
  let next = withSession(withHead(chat, changes.head), changes.chat)
  next = withParticipants(next, changes.participants.filter(isNew), viewer)
  next = withMessages(next, changes.messages.filter(isNew), viewer)
  next = withWatermarks(next, changes.watermarks, viewer)
  return { ...next, cursor: Math.max(changes.upTo, chat.cursor) }
}

/** From the beginning: the newest page. Only what has been acknowledged since then is kept of the messages. */
function replaced (chat: ChatState, { upTo, head, chat: session, participants, messages, hasOlder, watermarks }: Reset, viewer: Viewer): ChatState {
  const acknowledged = [...chat.messages.values()].filter(message => message.revision > upTo)
  let next: ChatState = {
    ...chat,
    cursor: upTo,
    loaded: true,
    chat: session,
    participants: new Map(),
    messages: new Map(),
    fromSeq: hasOlder ? messages[0]?.seq ?? 1 : 1,
    hasOlder,
    older: null,
    veiled: false,
    watermarks: new Map(),
    earlyWatermarks: new Map([...chat.earlyWatermarks, ...chat.watermarks]),
  }
  next = withParticipants(withHead(next, head), participants, viewer)
  next = withMessages(next, [...messages, ...acknowledged], viewer)
  return withWatermarks(next, watermarks, viewer)
}

/**
 * The chat has just been made. Its shared view says everything of a chat that has no history and few people; else the
 * chat is left to `changes`.
 */
export function applyCreated (chat: ChatState, { chat: session, head, lastMessage, participants }: ChatView, viewer: Viewer): ChatState {
  if (chat.loaded || participants.length < head.memberCount || head.lastSeq > (lastMessage ? 1 : 0)) return chat
  const watermarks = participants.map(({ userId }) => ({ userId, deliveredSeq: head.deliveredSeq, readSeq: head.readSeq }))
  const view = { chatId: session.id, reset: true, upTo: head.lastRevision, head, chat: session, participants, messages: lastMessage ? [lastMessage] : [], hasOlder: false, watermarks } as const
  return settled({ ...replaced(chat, { ...view, related: {}, users: {} }, viewer), stale: false }, viewer)
}

/** A page of messages before `before`: the range that is loaded now begins there. */
export function applyOlder (chat: ChatState, before: number, { data, nextCursor }: HistoryPage, viewer: Viewer): ChatState {
  if (!chat.older || chat.fromSeq !== before) return { ...chat, older: null } // replaced meanwhile
  const fromSeq = nextCursor === null ? 1 : data[0]?.seq ?? 1
  const next = { ...chat, older: null, fromSeq, hasOlder: nextCursor !== null && fromSeq > bound(chat) + 1 }
  return withMessages(next, [...data, ...chat.older.values()], viewer)
}
