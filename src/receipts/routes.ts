import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ChatRef, MessageRef } from '../primitives.ts'
import { ChatUnread, ListReceipts, MarkUpTo, Marked, Receipts, Unread, commands } from './schemas.ts'
import type { ReceiptsService } from './service.ts'

export const receiptRoutes: FastifyPluginAsyncTypebox<{ receipts: ReceiptsService }> = async (app, { receipts }) => {
  app.post('/sessions/:chatId/read', { schema: read }, request => receipts.read(request.identity.userId, request.params.chatId, request.body))
  app.post('/sessions/:chatId/delivered', { schema: delivered }, request => receipts.delivered(request.identity.userId, request.params.chatId, request.body))
  app.get('/sessions/:chatId/unread', { schema: unread }, request => receipts.unread(request.identity.userId, request.params.chatId))
  app.get('/unread', { schema: allUnread }, request => receipts.allUnread(request.identity.userId))
  app.get('/messages/:messageId/receipts', { schema: list }, request => receipts.receipts(request.identity.userId, request.params.messageId, request.query))
}

const tags = ['receipts']
const marking = 'Up to a seq, the highest of some messages, or (with an empty body) everything. Answered once it is committed.'
const read = { tags, operationId: 'mark_as_read', summary: 'Mark as read', description: marking, params: ChatRef, body: MarkUpTo, response: { 200: Marked } }
const delivered = { tags, operationId: 'mark_as_delivered', summary: 'Mark as delivered', description: marking, params: ChatRef, body: MarkUpTo, response: { 200: Marked } }
const unread = { tags, operationId: 'get_chat_unread', errors: commands.get_unread.errors, summary: 'Unread messages of a chat', params: ChatRef, response: { 200: ChatUnread } }
const allUnread = { tags, operationId: 'get_unread', summary: 'Unread messages of all my chats', description: 'The total leaves out muted and archived chats.', response: { 200: Unread } }
const list = { tags, operationId: 'get_receipts', summary: 'Who has got and read a message', description: 'Those who read privately have only got it; times are kept in chats of up to 256 members.', params: MessageRef, querystring: ListReceipts, response: { 200: Receipts } }
