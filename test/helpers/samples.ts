// Frames and rows as the server would send them, for tests of the store: only what matters need be said.
import type { Changes, Chat, ChatView, Head, InboxUpdate, Membership, Message, Participant, Synced } from '../../src/contract.ts'
import type { EventFrame } from '../../src/client/frames.ts'

export const CHAT = '01900000-0000-7000-8000-000000000001'
export const AT = '2026-11-21T09:00:00.000Z'

export function message (seq: number, more: Partial<Message> = {}): Message {
  const { chatId = CHAT } = more
  return {
    id: `${chatId}.${seq}`,
    chatId,
    seq,
    revision: seq + 10,
    senderId: 'bob',
    senderLabel: null,
    type: 'TEXT',
    content: `text ${seq}`,
    attachments: [],
    metadata: {},
    system: null,
    replyTo: null,
    threadRoot: null,
    thread: null,
    forwardedFrom: null,
    mentions: { userIds: [], all: false },
    reactions: [],
    pinned: null,
    clientMessageId: `key ${seq}`,
    createdAt: AT,
    editedAt: null,
    deletedAt: null,
    deletedById: null,
    ...more,
  }
}

export function redacted (seq: number, more: Partial<Message> = {}): Message {
  return message(seq, { content: null, attachments: [], metadata: {}, mentions: { userIds: [], all: false }, fromBlocked: true, ...more })
}

export function participant (userId: string, revision: number, more: Partial<Participant> = {}): Participant {
  return { chatId: CHAT, userId, role: 'MEMBER', label: null, state: 'JOINED', silencedUntil: null, joinedAt: AT, revision, ...more }
}

export function membership (inboxRevision: number, more: Partial<Membership> = {}): Membership {
  return {
    chatId: CHAT,
    inboxRevision,
    state: 'JOINED',
    role: 'MEMBER',
    notifications: 'ALL',
    mutedUntil: null,
    archived: false,
    archivedSeq: null,
    pinnedAt: null,
    markedUnread: false,
    visibleFromSeq: 1,
    clearedSeq: 0,
    joinRevision: 2,
    invitedById: null,
    ...more,
  }
}

export function head (lastRevision: number, more: Partial<Head> = {}): Head {
  return { chatId: CHAT, lastRevision, lastSeq: 0, lastOrdinalSeq: 0, minSeq: 1, messageCount: 0, memberCount: 2, readSeq: 0, deliveredSeq: 0, unreadCount: 0, mentionCount: 0, lastMessageAt: null, ...more }
}

export function chat (revision: number, more: Partial<Chat> = {}): Chat {
  return {
    id: CHAT,
    type: 'GROUP',
    name: 'Friends',
    avatarUrl: null,
    description: null,
    externalRef: null,
    labels: {},
    metadata: {},
    settings: { slowModeSeconds: 0, retentionDays: null, historyForNewMembers: 'NONE', whoMaySend: 'MEMBER', whoMayInvite: 'ADMIN' },
    request: null,
    support: null,
    createdById: 'bob',
    revision,
    createdAt: AT,
    updatedAt: AT,
    ...more,
  }
}

export function view (lastRevision: number, more: Partial<ChatView> = {}): ChatView {
  return { chat: chat(1), head: head(lastRevision), membership: null, lastMessage: null, participants: [participant('alice', 2), participant('bob', 3)], users: {}, ...more }
}

export function synced (inboxRevision: number, more: Partial<Synced> = {}): Synced {
  return { epoch: 'one', inboxRevision, reset: false, memberships: [], hidden: [], heads: [], nextCursor: null, ...more }
}

type Reset = Extract<Changes, { reset: true }>
type Page = Exclude<Changes, Reset>

const ROWS = { chatId: CHAT, participants: [], messages: [], watermarks: [], related: {}, users: {} }

export function reset (upTo: number, more: Partial<Reset> = {}): Reset {
  return { ...ROWS, reset: true, upTo, head: head(upTo), chat: chat(1), participants: [participant('alice', 2), participant('bob', 3)], hasOlder: false, ...more }
}

export function page (since: number, upTo: number, more: Partial<Page> = {}): Page {
  return { ...ROWS, since, upTo, hasMore: false, head: head(upTo), chat: null, ...more }
}

type Durable = 'message_received' | 'message_edited' | 'message_deleted' | 'chat_updated' | 'participant_joined' | 'participant_left' | 'participant_updated' | 'revision_skipped' | 'chat_created'

/** One that follows directly, if `previousRevision` is not given. */
export function frame<Name extends Durable> (type: Name, revision: number, data: EventFrame<Name>['data'], previousRevision = revision - 1): EventFrame {
  return { type, chatId: CHAT, previousRevision, revision, data } as EventFrame
}

/** Durable, of a type that this client does not know. */
export function unknownFrame (revision: number, data: object): EventFrame {
  return { type: 'something_new', chatId: CHAT, previousRevision: revision - 1, revision, data } as unknown as EventFrame
}

export function received (seq: number, revision: number, more: Partial<Message> = {}, previousRevision = revision - 1): EventFrame {
  return frame('message_received', revision, { message: message(seq, { revision, ...more }) }, previousRevision)
}

export function edited (seq: number, revision: number, more: Partial<Message> = {}): EventFrame {
  return frame('message_edited', revision, { message: message(seq, { revision, content: `edited ${revision}`, editedAt: AT, ...more }) })
}

export function inbox (inboxRevision: number, more: Partial<InboxUpdate> = {}): EventFrame<'inbox_updated'> {
  return { type: 'inbox_updated', data: { previousInboxRevision: inboxRevision - 1, inboxRevision, memberships: [], hidden: [], removed: [], ...more } }
}

export function hidden (...seqs: number[]): InboxUpdate['hidden'] {
  return seqs.map(seq => ({ chatId: CHAT, messageId: `${CHAT}.${seq}` }))
}
