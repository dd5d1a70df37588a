import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { codes } from '../errors.ts'
import { requireAdmin } from '../plugins/admin.ts'
import { MessageRef } from '../primitives.ts'
import { sendJson } from '../rest.ts'
import type { RecoveryService } from './recovery.ts'
import { AdminMessageView, MessageReply } from './schemas.ts'

export const messageAdminRoutes: FastifyPluginAsyncTypebox<{ recovery: RecoveryService }> = async (app, { recovery }) => {
  app.addHook('onRequest', requireAdmin)

  app.get('/admin/messages/:messageId', { schema: get }, async (request, reply) => sendJson(reply, await recovery.get(request.params.messageId)))
  app.post('/admin/messages/:messageId/restore', { schema: restore }, async (request, reply) => sendJson(reply, await recovery.restore(request.params.messageId)))
}

const tags = ['admin']
const get = {
  tags,
  operationId: 'admin_get_message', errors: codes('ROLE_REQUIRED', 'MESSAGE_NOT_FOUND'),
  summary: 'A message, also a deleted one',
  description: 'As it is, with its earlier contents, and what it said before it was deleted (for DELETED_CONTENT_DAYS).',
  params: MessageRef,
  response: { 200: AdminMessageView },
}
const restore = {
  tags,
  operationId: 'admin_restore_message', errors: codes('ROLE_REQUIRED', 'MESSAGE_NOT_FOUND', 'MESSAGE_DELETED'),
  summary: 'Restore a deleted message',
  description: 'Within DELETED_CONTENT_DAYS. Its readers get `message_edited`. Reactions and the pin do not come back.',
  params: MessageRef,
  response: { 200: MessageReply },
}
