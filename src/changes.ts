/**
 * The one ordering rule. A durable change is one READ COMMITTED transaction that first takes its locks, in one order for
 * everybody: heads, participants, inboxes. Only later statements look at rights and rows, so that they see all that the
 * holders before it have committed. Each changed row takes the next revision of its chat (or, for what one user alone sees,
 * of their inbox), so that allocation order = commit order = visibility order. The frames go out after the commit.
 */
import { ApiError, isDatabaseUnavailable } from './errors.ts'
import { pass } from './failpoints.ts'
import type { Database, Queryable } from './plugins/database.ts'
import type { ChatFrame, FleetingFrame, Frame } from './realtime/frames.ts'
import type { Hub } from './realtime/hub.ts'
import type { Role } from './chats/schemas.ts'
import type { InboxRow } from './sync/queries.ts'

export interface Locks {
  chatId?: string
  /** false: for what touches nothing of the chat that others see. */
  head?: false
  /** Participants of the chat. */
  participants?: string[]
  /** Users whose inbox will change. */
  inboxes?: string[]
  /** Makes what is to be locked, where it is not there yet: users. Undone with the rest if the change is refused. */
  prepare?: (tx: Queryable) => Promise<void>
}

export interface LockedHead { lastRevision: number, lastSeq: number, lastOrdinalSeq: number, minSeq: number, memberCount: number }

export interface LockedParticipant {
  userId: string
  role: Role
  state: string
  revision: number
  joinRevision: number
  visibleFromSeq: number
  clearedSeq: number
}

type ChatEvent = Omit<ChatFrame, 'kind' | 'chatId' | 'previousRevision' | 'revision' | 'data'> & { data: object | string }

const readHead = {
  name: 'changes.readHead',
  text: `SELECT h.last_revision AS "lastRevision", h.last_seq AS "lastSeq", h.last_ordinal_seq AS "lastOrdinalSeq", h.min_seq AS "minSeq",
           h.member_count AS "memberCount"
         FROM chat.chat_head h WHERE h.chat_id = $1`,
}
const lockHead = { name: 'changes.lockHead', text: `${readHead.text} FOR NO KEY UPDATE` }
const lockParticipants = {
  name: 'changes.lockParticipants',
  text: `SELECT p.user_id AS "userId", p.role, p.state, p.revision, p.join_revision AS "joinRevision", p.visible_from_seq AS "visibleFromSeq", p.cleared_seq AS "clearedSeq"
         FROM chat.chat_participant p WHERE p.chat_id = $1 AND p.user_id = ANY ($2::text[])
         ORDER BY p.chat_id, p.user_id FOR NO KEY UPDATE`,
}
const lockInboxes = {
  name: 'changes.lockInboxes',
  text: 'SELECT i.user_id FROM chat.user_inbox i WHERE i.user_id = ANY ($1::text[]) ORDER BY i.user_id COLLATE "C" FOR NO KEY UPDATE',
}
const readChat = { name: 'changes.readChat', text: 'SELECT c.type, c.deleted_at IS NOT NULL AS deleted FROM chat.chat_session c WHERE c.id = $1' }
const takeRevisions = {
  name: 'changes.takeRevisions',
  text: 'UPDATE chat.chat_head h SET last_revision = h.last_revision + $2 WHERE h.chat_id = $1 RETURNING h.last_revision AS "lastRevision"',
}
const takeInboxRevisions = {
  name: 'changes.takeInboxRevisions',
  text: 'UPDATE chat.user_inbox i SET inbox_revision = i.inbox_revision + 1 WHERE i.user_id = ANY ($1::text[]) RETURNING i.user_id AS "userId", i.inbox_revision AS "inboxRevision"',
}
const inboxUpdates = {
  name: 'changes.inboxUpdates',
  text: 'SELECT i.user_id AS "userId", chat.inbox_since(i.user_id, i.inbox_revision - 1) AS update FROM chat.user_inbox i WHERE i.user_id = ANY ($1::text[])',
}

/** A change under way: its locks are held. */
export class Change {
  readonly tx: Queryable
  /** As it was when the lock was taken. */
  readonly head: LockedHead
  readonly participants: ReadonlyMap<string, LockedParticipant>
  readonly frames: Frame[] = []
  #isStream: boolean
  #chatId: string
  #covered: number
  #taken: number
  #inboxes: string[] = []

  constructor (tx: Queryable, { chatId, isStream }: { chatId: string, isStream: boolean }, head: LockedHead, participants: LockedParticipant[]) {
    this.tx = tx
    this.#chatId = chatId
    this.#isStream = isStream
    this.head = head
    this.participants = new Map(participants.map(participant => [participant.userId, participant]))
    this.#covered = head.lastRevision
    this.#taken = head.lastRevision
  }

  get chatId (): string {
    return this.#chatId
  }

  /** The chat that this change is about has just been made, with rows up to this revision. */
  created (chatId: string, revision: number, { isStream }: { isStream: boolean }): void {
    this.#chatId = chatId
    this.#isStream = isStream
    this.#taken = revision
  }

  /** Who acts, if they are in the chat. @throws {ApiError} CHAT_NOT_FOUND; NOT_IN_CHAT for who only looks at a STREAM */
  member (userId: string): LockedParticipant {
    const participant = this.participants.get(userId)
    if (participant?.state === 'JOINED') return participant
    throw new ApiError(this.#isStream && participant?.state !== 'BANNED' ? 'NOT_IN_CHAT' : 'CHAT_NOT_FOUND')
  }

  /** Revisions for so many changed rows of the chat. @returns the first of them */
  async takeRevisions (count = 1): Promise<number> {
    await this.tx.query(takeRevisions, [this.#chatId, count])
    this.#taken += count
    return this.#taken - count + 1
  }

  /** `chat.send_messages` in this transaction has taken revisions by itself. */
  tookRevision (revision: number): void {
    this.#taken = revision
  }

  /** The event that tells of all rows changed since the one before. (Being in a STREAM is not following it.) */
  publish ({ joined, ...event }: ChatEvent): void {
    const data = typeof event.data === 'string' ? event.data : JSON.stringify(event.data)
    this.frames.push({ ...event, ...(joined && !this.#isStream && { joined }), kind: 'chat', chatId: this.#chatId, previousRevision: this.#covered, revision: this.#taken, data })
    this.#covered = this.#taken
  }

  /** What goes out with the change, and is not kept for anybody. */
  tell (frame: FleetingFrame): void {
    this.frames.push(frame)
  }

  /** The next revision of each user's inbox. What they are told is read when all rows have been written. */
  async takeInboxRevisions (userIds: string[]): Promise<Map<string, number>> {
    const rows = await this.tx.query<{ userId: string, inboxRevision: number }>(takeInboxRevisions, [userIds])
    this.#inboxes.push(...userIds)
    return new Map(rows.map(({ userId, inboxRevision }) => [userId, inboxRevision]))
  }

  /** The inbox frames come last: who is told that they have left has been given the chat's frame that says so. */
  async finish (): Promise<Frame[]> {
    if (this.#inboxes.length === 0) return this.frames
    const rows = await this.tx.query<{ userId: string, update: InboxRow }>(inboxUpdates, [this.#inboxes])
    return [...this.frames, ...rows.map(({ userId, update: { blocks, user, ...update } }) => ({
      kind: 'inbox' as const,
      userId,
      previousRevision: update.previousInboxRevision,
      revision: update.inboxRevision,
      update: { ...update, ...(blocks && { blocks }), ...(user && { user }) },
    }))]
  }
}

const NO_CHAT: LockedHead = { lastRevision: 0, lastSeq: 0, lastOrdinalSeq: 0, minSeq: 1, memberCount: 0 }

export class Changes {
  readonly #db: Database
  readonly #hub: Hub

  constructor (db: Database, hub: Hub) {
    this.#db = db
    this.#hub = hub
  }

  /**
   * Takes the locks, does the work, commits, publishes. The work may run again after a deadlock.
   * @throws {ApiError} CHAT_NOT_FOUND if the chat is not there or deleted
   */
  async run<Result> (locks: Locks, work: (change: Change) => Promise<Result>): Promise<Result> {
    try {
      const { result, frames } = await this.#db.transaction(async tx => {
        const change = await this.#lock(tx, locks)
        const result = await work(change)
        return { result, frames: await change.finish() }
      })
      pass('publish')
      this.#hub.publish(frames)
      pass('answer')
      return result
    } catch (error) {
      if (isDatabaseUnavailable(error)) this.#hub.doubt(locks) // lost at the commit: it may have happened, and nobody has been told
      throw error
    }
  }

  async #lock (tx: Queryable, { chatId, head: lock, participants = [], inboxes = [], prepare }: Locks): Promise<Change> {
    await prepare?.(tx)
    let head: LockedHead | undefined = NO_CHAT
    let locked: LockedParticipant[] = []
    if (chatId !== undefined) {
      [head] = await tx.query<LockedHead>(lock === false ? readHead : lockHead, [chatId])
      if (!head) throw new ApiError('CHAT_NOT_FOUND')
      locked = await tx.query<LockedParticipant>(lockParticipants, [chatId, participants])
    }
    if (inboxes.length > 0) await tx.query(lockInboxes, [inboxes])
    const [chat] = chatId === undefined ? [] : await tx.query<{ type: string, deleted: boolean }>(readChat, [chatId])
    if (chatId !== undefined && chat?.deleted !== false) throw new ApiError('CHAT_NOT_FOUND')
    return new Change(tx, { chatId: chatId?.toLowerCase() ?? '', isStream: chat?.type === 'STREAM' }, head, locked)
  }
}
