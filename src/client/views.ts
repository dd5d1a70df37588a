/** What a user interface shows, made of the store and of what is beside it. What has not changed stays identical. */
import type { Chat, Head, Membership, Message, Participant } from '../contract.ts'
import type { ClientError } from './errors.ts'
import type { Outgoing, Upload } from './outbox.ts'
import { MAX_TOLD } from './message-status.ts'
import type { ChatState } from './state.ts'

export interface LocalMessage extends Message {
  /** The same from pending to sent: for lists on the screen. */
  readonly key: string
  /** Of one's own messages. */
  readonly status: 'pending' | 'failed' | 'sent' | 'delivered' | 'read' | null
  /** Why it has failed. */
  readonly error?: ClientError
  readonly uploads?: readonly Upload[]
}

export interface ChatSummary {
  readonly id: string
  readonly type: Chat['type']
  /** The name; of a DIRECT chat the other's. */
  readonly title: string
  /** Of a DIRECT chat. */
  readonly otherId: string | null
  /** null before it is loaded. */
  readonly chat: Chat | null
  readonly head: Head
  readonly membership: Membership | null
  /** Who is in it; of more than 256 only some. */
  readonly participants: ReadonlyMap<string, Participant>
  readonly lastMessage: LocalMessage | null
  /** Of its newest message, or of its making: an RFC 3339 time. */
  readonly activeAt: string
  readonly unreadCount: number
  readonly mentionCount: number
  readonly muted: boolean
  readonly archived: boolean
  readonly pinned: boolean
  /** That has no answer yet. */
  readonly request: 'received' | 'sent' | null
  /** Others, by their ids. */
  readonly typing: readonly string[]
  /** How many look at it, of a chat that is open. */
  readonly viewers: number | null
  /** There may be messages before those that are here: see `loadOlder`. */
  readonly hasOlder: boolean
  readonly loaded: boolean
}

const keyOf = (userId: string | null, clientMessageId: string): string => `${userId} ${clientMessageId}`

/** How a message that is not sent yet would look. */
export function unsent ({ target, message, at, status, error, uploads, sent }: Outgoing, userId: string | null): LocalMessage {
  const { clientMessageId, content = null, type = 'TEXT', mentions, metadata = {}, replyToId, threadRootId } = message
  const link = (messageId: string | undefined) => messageId === undefined ? null : { messageId, seq: Number(messageId.slice(messageId.lastIndexOf('.') + 1)) }
  return {
    id: '',
    chatId: 'chatId' in target ? target.chatId : '',
    seq: 0,
    revision: 0,
    senderId: userId,
    senderLabel: null,
    type,
    content,
    attachments: [],
    metadata,
    system: null,
    replyTo: link(replyToId),
    threadRoot: link(threadRootId),
    thread: null,
    forwardedFrom: null,
    mentions: { userIds: mentions?.userIds ?? [], all: mentions?.all ?? false },
    reactions: [],
    pinned: null,
    clientMessageId,
    createdAt: new Date(at).toISOString(),
    editedAt: null,
    deletedAt: null,
    deletedById: null,
    uploads,
    ...sent,
    key: keyOf(userId, clientMessageId),
    status: sent ? 'sent' : status,
    ...(error && { error }),
  }
}

/** Remembers what it has made, by what it was made of. */
export class Timeline {
  readonly #rows = new WeakMap<Message, LocalMessage>()
  readonly #unsent = new WeakMap<Outgoing, LocalMessage>()

  /** One's own has come as far as everybody else whose watermark is shown: see `messageStatus`. */
  of ({ messages, watermarks, head }: ChatState, outgoing: Outgoing[], userId: string | null): LocalMessage[] {
    const others = head.memberCount > MAX_TOLD ? [] : [...watermarks.values()].filter(each => each.userId !== userId)
    const lowest = (which: 'readSeq' | 'deliveredSeq') => others.length === 0 ? 0 : Math.min(...others.map(each => each[which]))
    const [read, delivered] = [lowest('readSeq'), lowest('deliveredSeq')]
    const keys = new Set<string>()
    const rows = [...messages.values()].sort((a, b) => a.seq - b.seq).map(message => {
      const { seq, senderId } = message
      const row = this.row(message, senderId !== userId || message.type === 'SYSTEM' ? null : seq <= read ? 'read' : seq <= delivered ? 'delivered' : 'sent')
      if (outgoing.length > 0) keys.add(row.key)
      return row
    })
    for (const item of outgoing) {
      const row = this.#unsent.get(item) ?? unsent(item, userId)
      this.#unsent.set(item, row)
      if (!keys.has(row.key)) rows.push(row)
    }
    return rows
  }

  row (message: Message, status: LocalMessage['status']): LocalMessage {
    const here = this.#rows.get(message)
    if (here?.status === status) return here
    const { id, senderId, clientMessageId } = message
    const row = { ...message, key: clientMessageId === null ? id : keyOf(senderId, clientMessageId), status }
    this.#rows.set(message, row)
    return row
  }
}

/** As the server lists them: pinned ones first, then the newest activity. */
export function byActivity (a: ChatSummary, b: ChatSummary): number {
  return Number(b.pinned) - Number(a.pinned) || compare(b.activeAt, a.activeAt) || compare(b.id, a.id)
}

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0
