import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { MessageReply } from '../messages/schemas.ts'
import { ChatRef, MessageRef } from '../primitives.ts'
import { sendJson } from '../rest.ts'
import { ListPins, PinPage } from './schemas.ts'
import type { PinsService } from './service.ts'

export const pinRoutes: FastifyPluginAsyncTypebox<{ pins: PinsService }> = async (app, { pins }) => {
  app.post('/messages/:messageId/pin', { schema: pin }, async (request, reply) => sendJson(reply, await pins.pin(request.identity.userId, request.params.messageId)))
  app.delete('/messages/:messageId/pin', { schema: unpin }, async (request, reply) => sendJson(reply, await pins.unpin(request.identity.userId, request.params.messageId)))
  app.get('/sessions/:chatId/pins', { schema: list }, async (request, reply) =>
    sendJson(reply, await pins.list(request.identity.userId, request.params.chatId, request.query)))
}

const tags = ['pins']
const pin = { tags, operationId: 'pin_message', summary: 'Pin a message', description: 'MODERATOR and above; in a DIRECT chat either.', params: MessageRef, response: { 200: MessageReply } }
const unpin = { tags, operationId: 'unpin_message', summary: 'Unpin a message', params: MessageRef, response: { 200: MessageReply } }
const list = { tags, operationId: 'get_pins', summary: 'The pinned messages of a chat', description: 'Newest pin first.', params: ChatRef, querystring: ListPins, response: { 200: PinPage } }
