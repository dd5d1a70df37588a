/**
 * How single rows get into a chat of the store, whichever way they have come (a frame, `changes`, a page of history, an
 * acknowledgement):
 *
 * - a row overwrites an older one only, by its revision. One exception: what was redacted and need not be any more
 *   overwrites its redacted form, which has the same revision
 * - messages at or below the bound, and those that the user has hidden, never get in
 * - messages of people whom the user blocks get in redacted
 * - watermarks only move forward; those of people whom the user blocks are kept, and not shown
 */
import type { Head, Membership, Message, Participant, Watermark } from '../contract.ts'
import { bound, type ChatState } from './state.ts'

/** Who looks. */
export interface Viewer { readonly userId: string | null, readonly blocks: ReadonlySet<string> }

export function redact (message: Message): Message {
  return { ...message, content: null, attachments: [], metadata: {}, mentions: { userIds: [], all: false }, fromBlocked: true }
}

const isBlocked = ({ senderId }: Message, { blocks }: Viewer): boolean => senderId !== null && blocks.has(senderId)
const isVeiled = (message: Message, viewer: Viewer): boolean => message.fromBlocked === true && !isBlocked(message, viewer)

function supersedes (row: Message, here: Message): boolean {
  return row.revision > here.revision || (row.revision === here.revision && here.fromBlocked === true && !row.fromBlocked)
}

export function withMessages (chat: ChatState, rows: Message[], viewer: Viewer): ChatState {
  if (rows.length === 0) return chat
  const lowest = bound(chat) + 1
  const messages = new Map(chat.messages)
  const older = chat.older && new Map(chat.older)
  let { veiled } = chat
  for (const row of rows) {
    if (row.seq < lowest || chat.hidden.has(row.seq)) continue
    const shelf = row.seq >= chat.fromSeq ? messages : older
    const here = shelf?.get(row.seq)
    if (!shelf || (here && !supersedes(row, here))) continue
    const seen = isBlocked(row, viewer) ? redact(row) : row
    shelf.set(row.seq, seen)
    veiled ||= isVeiled(seen, viewer)
  }
  return { ...chat, messages, older, veiled }
}

/** After the bound has risen. */
export function trimmed (chat: ChatState): ChatState {
  const lowest = bound(chat) + 1
  const above = [...chat.messages].filter(([seq]) => seq >= lowest)
  const messages = above.length === chat.messages.size ? chat.messages : new Map(above)
  return { ...chat, messages, hasOlder: chat.hasOlder && chat.fromSeq > lowest }
}

export function withHidden (chat: ChatState, seqs: number[]): ChatState {
  const messages = new Map(chat.messages)
  for (const seq of seqs) messages.delete(seq)
  return { ...chat, messages, hidden: new Set([...chat.hidden, ...seqs]) }
}

/** After the user has blocked or unblocked somebody. */
export function reviewed (chat: ChatState, viewer: Viewer): ChatState {
  const messages = new Map([...chat.messages].map(([seq, message]) =>
    [seq, isBlocked(message, viewer) && !message.fromBlocked ? redact(message) : message]))
  return withShelves({ ...chat, messages, veiled: [...messages.values()].some(message => isVeiled(message, viewer)) }, viewer)
}

/** The watermarks of those who are blocked (or are no more) change their shelf. */
function withShelves (chat: ChatState, viewer: Viewer): ChatState {
  const all = [...chat.earlyWatermarks, ...chat.watermarks]
  const shown = all.filter(([userId]) => isShown(chat, userId, viewer))
  if (shown.length === chat.watermarks.size && shown.every(([userId]) => chat.watermarks.has(userId))) return chat
  return { ...chat, watermarks: new Map(shown), earlyWatermarks: new Map(all.filter(([userId]) => !isShown(chat, userId, viewer))) }
}

const isShown = ({ participants }: ChatState, userId: string, { blocks }: Viewer): boolean => participants.has(userId) && !blocks.has(userId)

export function withParticipants (chat: ChatState, rows: Participant[], { blocks }: Viewer): ChatState {
  if (rows.length === 0) return chat
  const participants = new Map(chat.participants)
  const watermarks = new Map(chat.watermarks)
  const earlyWatermarks = new Map(chat.earlyWatermarks)
  for (const row of rows) {
    const here = participants.get(row.userId)
    if (here && here.revision >= row.revision) continue
    if (row.state === 'JOINED') {
      participants.set(row.userId, row)
      if (!blocks.has(row.userId)) move(row.userId, earlyWatermarks, watermarks)
    } else {
      participants.delete(row.userId)
      move(row.userId, watermarks, earlyWatermarks)
    }
  }
  const hadAll = chat.participants.size === chat.head.memberCount
  const head = hadAll ? { ...chat.head, memberCount: participants.size } : chat.head
  return { ...chat, head, participants, watermarks, earlyWatermarks }
}

function move (userId: string, from: Map<string, Watermark>, to: Map<string, Watermark>): void {
  const watermark = from.get(userId)
  if (!watermark) return
  from.delete(userId)
  to.set(userId, furthest(watermark, to.get(userId)))
}

export function withWatermarks (chat: ChatState, rows: Watermark[], viewer: Viewer): ChatState {
  if (rows.length === 0) return chat
  const watermarks = new Map(chat.watermarks)
  const earlyWatermarks = new Map(chat.earlyWatermarks)
  for (const row of rows) {
    if (chat.isStream && row.userId !== viewer.userId) continue // nobody is told there how far others have read
    const shelf = isShown(chat, row.userId, viewer) ? watermarks : earlyWatermarks
    shelf.set(row.userId, furthest(row, shelf.get(row.userId)))
  }
  const mine = viewer.userId === null ? undefined : watermarks.get(viewer.userId)
  const head = mine ? { ...chat.head, readSeq: mine.readSeq, deliveredSeq: mine.deliveredSeq } : chat.head
  return { ...chat, head, watermarks, earlyWatermarks }
}

/** What is read has been delivered. */
function furthest ({ userId, deliveredSeq, readSeq }: Watermark, here: Watermark | undefined): Watermark {
  const read = Math.max(readSeq, here?.readSeq ?? 0)
  return { userId, readSeq: read, deliveredSeq: Math.max(deliveredSeq, here?.deliveredSeq ?? 0, read) }
}

/** Counters that the server has told, unless we know newer ones. */
export function withHead (chat: ChatState, head: Head): ChatState {
  if (head.lastRevision < chat.head.lastRevision) return chat
  const { minSeq, readSeq, deliveredSeq } = chat.head
  return trimmed(unarchived({
    ...chat,
    head: { ...head, minSeq: Math.max(head.minSeq, minSeq), readSeq: Math.max(head.readSeq, readSeq), deliveredSeq: Math.max(head.deliveredSeq, deliveredSeq) },
  }))
}

/** A message that is new in the chat counts, at once. */
export function withNewMessage (chat: ChatState, { seq, type, createdAt }: Message): ChatState {
  if (seq <= chat.head.lastSeq) return chat
  const head = { ...chat.head, lastSeq: seq, lastMessageAt: createdAt }
  return type === 'SYSTEM' ? { ...chat, head } : unarchived({ ...chat, head: { ...head, lastOrdinalSeq: seq, messageCount: head.messageCount + 1 } })
}

export function withOwnMembership (chat: ChatState, membership: Membership): ChatState {
  return trimmed(unarchived({ ...chat, membership }))
}

/** A message that is not SYSTEM takes a chat out of the archive, unless it is muted: also if it was told before the archiving. */
function unarchived (chat: ChatState): ChatState {
  const { membership, head: { lastOrdinalSeq, lastMessageAt } } = chat
  if (!membership?.archived || lastOrdinalSeq <= (membership.archivedSeq ?? 0)) return chat
  const muted = membership.mutedUntil !== null && lastMessageAt !== null && Date.parse(membership.mutedUntil) > Date.parse(lastMessageAt)
  return muted ? chat : { ...chat, membership: { ...membership, archived: false } }
}
