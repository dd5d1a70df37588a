import { Type } from 'typebox'
import { ApiError } from '../errors.ts'
import { SharedJson, type EncodedJson } from '../json.ts'
import type { Database } from '../plugins/database.ts'
import { compile } from '../plugins/validation.ts'
import { decodeCursor, encodeCursor } from '../pages.ts'
import { ChatId, Input, Revision } from '../primitives.ts'
import type { ChangesReader } from './changes-reader.ts'
import { syncPage } from './queries.ts'
import type { ChangesSince, Sync, Synced } from './schemas.ts'

export type SyncService = ReturnType<typeof syncService>

const HEADS_A_PAGE = 200

/** Every page answers for the same inbox revision: where the first one stood. */
const checkCursor = compile(Input({ since: Revision, upTo: Revision, after: ChatId, epoch: Type.String(), reset: Type.Boolean() }), 'cursor')

export function syncService (db: Database, changes: ChangesReader, epoch: () => string) {
  return {
    /** What has changed for me alone since an inbox revision, and the heads of all my chats. @throws {ApiError} EPOCH_CHANGED */
    async sync (userId: string, request: Sync): Promise<Synced> {
      const current = epoch()
      const cursor = decodeCursor(request.cursor, checkCursor)
      if (cursor && cursor.epoch !== current) throw new ApiError('EPOCH_CHANGED')
      const isStale = request.epoch !== undefined && request.epoch !== current
      const reset = cursor?.reset ?? (isStale || !request.inboxRevision)
      const since = cursor?.since ?? (reset ? 0 : request.inboxRevision ?? 0)
      const { ahead, after, blocks, user, invitations, ...page } = await db.catchUp('sync', () => syncPage(db, userId, since, cursor?.after ?? null, HEADS_A_PAGE))
      if (ahead) throw new ApiError('EPOCH_CHANGED')
      const inboxRevision = cursor?.upTo ?? page.inboxRevision
      return {
        ...page,
        epoch: current,
        inboxRevision,
        reset,
        ...(blocks && { blocks }),
        ...(user && { user }),
        ...(invitations && { invitations }),
        nextCursor: after === null ? null : encodeCursor({ since, upTo: inboxRevision, after, epoch: current, reset }),
      }
    },

    /** @throws {ApiError} CHAT_NOT_FOUND; EPOCH_CHANGED if the cursor is above the chat's head */
    async changes (userId: string, chatId: string, { since, limit = 200 }: ChangesSince): Promise<EncodedJson> {
      const found = (await changes.read(chatId.toLowerCase(), [userId], since, limit)).get(userId)
      if (!found) throw new ApiError('CHAT_NOT_FOUND')
      if (found === 'ahead') throw new ApiError('EPOCH_CHANGED')
      return new SharedJson(found.rows, found.own)
    },
  }
}
