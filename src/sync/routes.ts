import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ChatRef } from '../primitives.ts'
import { sendJson } from '../rest.ts'
import { Changes, ChangesSince, Sync, Synced } from './schemas.ts'
import type { SyncService } from './service.ts'

export const syncRoutes: FastifyPluginAsyncTypebox<{ sync: SyncService }> = async (app, { sync }) => {
  app.post('/sync', { schema: syncAll, config: { isRead: true } }, request => sync.sync(request.identity.userId, request.body))
  app.get('/sessions/:chatId/changes', { schema: changes }, async (request, reply) =>
    sendJson(reply, await sync.changes(request.identity.userId, request.params.chatId, request.query)))
}

const tags = ['sync']
const syncAll = {
  tags,
  operationId: 'sync',
  summary: 'What has changed for me',
  description: 'Memberships, hidden messages and blocks since an inbox revision, and over the pages the heads of every chat that I am in: after the last page, drop what was not named.',
  body: Sync,
  response: { 200: Synced },
}
const changes = {
  tags,
  operationId: 'changes',
  summary: 'What has changed in a chat',
  description: 'Rows since a revision, at most 200 and about 256 KiB; or, with `reset`, the newest page instead. A row overwrites yours only if its revision is higher.',
  params: ChatRef,
  querystring: ChangesSince,
  response: { 200: Changes },
}
