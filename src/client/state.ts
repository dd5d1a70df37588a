import type { Chat, Head, InboxUpdate, Me, Membership, Message, Participant, Watermark } from '../contract.ts'
import type { EventFrame } from './frames.ts'

/**
 * What one user may see, as far as it has been loaded. Nothing in it is ever changed in place: a change makes a new value,
 * and what has not changed stays identical (`===`), so that a user interface can tell.
 */
export interface ClientState {
  readonly userId: string | null
  readonly epoch: string | null
  /** Everything up to this revision of the inbox is in here. */
  readonly inboxRevision: number
  /** `sync` is needed, or under way. Inbox events wait in `heldInbox`. */
  readonly inboxStale: boolean
  readonly heldInbox: readonly InboxUpdate[]
  /** The user's own profile and settings; null before they are loaded. */
  readonly me: Me | null
  /** Whom the user blocks. */
  readonly blocks: ReadonlySet<string>
  readonly chats: ReadonlyMap<string, ChatState>
  /** Chats that the user is invited to, by their id: nothing is known of them but what `get_chat` shows. */
  readonly invitations: ReadonlyMap<string, Membership>
}

export interface ChatState {
  readonly chatId: string
  /** A STREAM at which the user looks. It is followed for as long as they do; no `sync` names it, and it has no membership. */
  readonly isStream: boolean
  /** Everything up to this revision is in here; 0 before it is loaded. */
  readonly cursor: number
  readonly loaded: boolean
  /** `changes` is needed, or under way. Frames that do not follow the cursor wait in `held`. */
  readonly stale: boolean
  readonly held: readonly EventFrame[]
  /** Some messages are redacted although their sender is not blocked (any more): they must be read again. */
  readonly veiled: boolean
  /** null before it is loaded. */
  readonly chat: Chat | null
  /** Live, but for unreadCount and mentionCount: these are what the server said last. */
  readonly head: Head
  /** null: the chat's own frame has come before that of the inbox. */
  readonly membership: Membership | null
  /** Who is JOINED. Of a chat of more than 256 only some. */
  readonly participants: ReadonlyMap<string, Participant>
  /** By seq, in no order. All that the user may see from `fromSeq` on, and nothing below it. */
  readonly messages: ReadonlyMap<number, Message>
  readonly fromSeq: number
  /** There may be messages below `fromSeq`. */
  readonly hasOlder: boolean
  /** While a page of older messages is on its way: what happened to these messages meanwhile. */
  readonly older: ReadonlyMap<number, Message> | null
  /** Of participants, by user. */
  readonly watermarks: ReadonlyMap<string, Watermark>
  /** Of people who are no participants: the event may come before the frame that says that they have joined; and of those whom the user blocks. */
  readonly earlyWatermarks: ReadonlyMap<string, Watermark>
  /** Messages that the user has deleted for themselves. */
  readonly hidden: ReadonlySet<number>
}

export const EMPTY_STATE: ClientState = {
  userId: null,
  epoch: null,
  inboxRevision: 0,
  inboxStale: true,
  heldInbox: [],
  me: null,
  blocks: new Set(),
  chats: new Map(),
  invitations: new Map(),
}

export function emptyChat (chatId: string): ChatState {
  return {
    chatId,
    isStream: false,
    cursor: 0,
    loaded: false,
    stale: true,
    held: [],
    veiled: false,
    chat: null,
    head: {
      chatId, lastRevision: 0, lastSeq: 0, lastOrdinalSeq: 0, minSeq: 1, messageCount: 0, memberCount: 0, readSeq: 0, deliveredSeq: 0, unreadCount: 0, mentionCount: 0, lastMessageAt: null,
    },
    membership: null,
    participants: new Map(),
    messages: new Map(),
    fromSeq: 1,
    hasOlder: false,
    older: null,
    watermarks: new Map(),
    earlyWatermarks: new Map(),
    hidden: new Set(),
  }
}

/** To be looked at from now on, or again after a connection was lost. */
export function unloadedStream (chatId: string): ChatState {
  return { ...emptyChat(chatId), isStream: true }
}

/** What the user may see of a chat starts above this seq. */
export function bound ({ head, membership }: Pick<ChatState, 'head' | 'membership'>): number {
  return Math.max(head.minSeq - 1, membership ? Math.max(membership.visibleFromSeq - 1, membership.clearedSeq) : 0)
}

/**
 * The user has cleared the chat up to a message that has not come yet. It will not come as itself, so that what it would
 * have told of the head has to be asked for.
 */
export function isBehindBound ({ head, membership }: Pick<ChatState, 'head' | 'membership'>): boolean {
  return membership !== null && membership.clearedSeq > head.lastSeq
}
