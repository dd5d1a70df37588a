import type { Queryable } from '../plugins/database.ts'
import type { InboxUpdate } from '../sync/schemas.ts'

export interface LoadedUser {
  inboxRevision: number
  blocks: string[]
  chats: { chatId: string, bound: number, lastRevision: number, memberCount: number }[]
}

/** What the hub reads from PostgreSQL. `sync/` implements it: `realtime/` knows no slice. */
export interface HubSource {
  /** Everything that a user follows, from one snapshot. */
  loadUser (userId: string): Promise<LoadedUser>
  /** What has changed since a revision, as each of the users may see it; null: not in the chat. */
  changesFor (chatId: string, userIds: string[], since: number): Promise<Map<string, { upTo: number, hasMore: boolean, data: string } | null>>
  inboxSince (userId: string, since: number): Promise<InboxUpdate>
  /** Without the chats that are gone. */
  heads (chatIds: string[]): Promise<Map<string, { lastRevision: number, memberCount: number }>>
  /** And whether they may be here at all, with which tokens. */
  inboxes (userIds: string[]): Promise<Map<string, { inboxRevision: number, banned: boolean, tokensValidFrom: Date | null }>>
  /** Identity of the database's history, as any connection, or this one, tells it. */
  epoch (connection?: Queryable): Promise<string>
}
