import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { ChatRef, MessageRef } from '../primitives.ts'
import { sendJson } from '../rest.ts'
import { DeleteMessage, EditMessage, Forward, History, HistoryPage, MessageForwarded, MessageReply, MessageSent, MessageView, NewMessage, NewMessageToUser, ThreadPage, ThreadQuery, Versions, commands } from './schemas.ts'
import type { MessagesService, Sent } from './service.ts'
import type { ThreadsService } from './threads.ts'

export const messageRoutes: FastifyPluginAsyncTypebox<{ messages: MessagesService, threads: ThreadsService }> = async (app, { messages, threads }) => {
  app.post('/sessions/:chatId/messages', { schema: send }, async (request, reply) =>
    sendSent(reply, await messages.send(request.identity.userId, request.params.chatId, request.body)))

  app.post('/messages', { schema: sendToUser }, async (request, reply) => {
    const { targetUserId, ...message } = request.body
    return sendSent(reply, await messages.sendToUser(request.identity.userId, targetUserId, message))
  })

  app.get('/sessions/:chatId/messages', { schema: history }, async (request, reply) =>
    sendJson(reply, await messages.history(request.identity.userId, request.params.chatId, request.query)))

  app.get('/messages/:messageId', { schema: get }, async (request, reply) =>
    sendJson(reply, await messages.get(request.identity.userId, request.params.messageId)))

  app.route({
    method: ['PUT', 'PATCH'],
    url: '/messages/:messageId',
    schema: edit,
    handler: async (request, reply) => sendJson(reply, await messages.edit(request.identity.userId, request.params.messageId, request.body)),
  })

  app.delete('/messages/:messageId', { schema: remove }, async (request, reply) => {
    const { identity: { userId }, params: { messageId }, query: { scope } } = request
    return sendJson(reply, await (scope === 'me' ? messages.deleteForMe(userId, messageId) : messages.deleteForEveryone(userId, messageId)))
  })

  app.post('/messages/:messageId/forward', { schema: forward }, request => messages.forward(request.identity.userId, request.params.messageId, request.body))
  app.get('/messages/:messageId/replies', { schema: replies }, async (request, reply) =>
    sendJson(reply, await threads.replies(request.identity.userId, request.params.messageId, request.query)))
  app.get('/messages/:messageId/edits', { schema: edits }, request => messages.edits(request.identity.userId, request.params.messageId))
}

/** 201 for a new message, 200 for one that was there. */
function sendSent (reply: FastifyReply, { duplicate, body }: Sent): FastifyReply {
  return sendJson(reply.code(duplicate ? 200 : 201), body)
}

const tags = ['messages']
const send = {
  tags,
  operationId: 'send_message',
  summary: 'Send a message',
  description: 'A threadRootId puts it into the thread of that message (or of the one that it replies to). Answered once it is committed. The same clientMessageId again is answered with the message as it is now (200, duplicate).',
  params: ChatRef,
  body: NewMessage,
  response: { 200: MessageSent, 201: MessageSent },
}
const sendToUser = {
  tags,
  operationId: 'send_message_to_user',
  errors: commands.send_message.errors,
  summary: 'Send a message to a person',
  description: 'Finds or makes the DIRECT chat with them first.',
  body: NewMessageToUser,
  response: { 200: MessageSent, 201: MessageSent },
}
const history = {
  tags,
  operationId: 'get_history',
  summary: 'History',
  description: 'The newest page, or what is before, after or around a seq. Ascending. The newest page and `after` mark what they return as delivered.',
  params: ChatRef,
  querystring: History,
  response: { 200: HistoryPage },
}
const get = { tags, operationId: 'get_message', errors: commands.get_messages.errors, summary: 'A message', params: MessageRef, response: { 200: MessageView } }
const edit = {
  tags,
  operationId: 'edit_message',
  summary: 'Edit my message',
  description: 'Within EDIT_WINDOW_SECONDS. Earlier contents are kept; so are the mentions, unless others are given.',
  params: MessageRef,
  body: EditMessage,
  response: { 200: MessageReply },
}
const remove = {
  tags,
  operationId: 'delete_message',
  summary: 'Delete a message',
  description: 'For everyone (my own, or any as MODERATOR), or for me alone.',
  params: MessageRef,
  querystring: DeleteMessage,
  response: { 200: MessageReply },
}
const forward = {
  tags,
  operationId: 'forward_message',
  summary: 'Forward a message',
  description: 'To each of the chats that you may send to. The new messages name the sender and time of the first one, and no other origin.',
  params: MessageRef,
  body: Forward,
  response: { 200: MessageForwarded },
}
const replies = {
  tags,
  operationId: 'get_thread',
  summary: 'A thread',
  description: 'The replies in the thread of a message, or in that which it is in; as history, the newest page or what is before or after a seq. With how many of all are unread.',
  params: MessageRef,
  querystring: ThreadQuery,
  response: { 200: ThreadPage },
}
const edits = { tags, operationId: 'get_edits', summary: 'Earlier contents of a message', params: MessageRef, response: { 200: Versions } }
