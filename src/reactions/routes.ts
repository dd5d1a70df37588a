import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { MessageRef } from '../primitives.ts'
import { sendJson } from '../rest.ts'
import { EmojiBody, ListReactions, ReactionChange, ReactionPage, ReactionRef, commands } from './schemas.ts'
import type { ReactionsService } from './service.ts'

export const reactionRoutes: FastifyPluginAsyncTypebox<{ reactions: ReactionsService }> = async (app, { reactions }) => {
  app.get('/messages/:messageId/reactions', { schema: list }, request => reactions.list(request.identity.userId, request.params.messageId, request.query))
  app.post('/messages/:messageId/reactions', { schema: add }, async (request, reply) =>
    sendJson(reply, await reactions.add(request.identity.userId, request.params.messageId, request.body.emoji)))
  app.delete('/messages/:messageId/reactions/:emoji', { schema: remove }, async (request, reply) =>
    sendJson(reply, await reactions.remove(request.identity.userId, request.params.messageId, request.params.emoji)))
  app.delete('/messages/:messageId/reactions', { schema: removeByBody }, async (request, reply) =>
    sendJson(reply, await reactions.remove(request.identity.userId, request.params.messageId, request.body.emoji)))
}

const tags = ['reactions']
const response = { 200: ReactionChange }
const list = { tags, operationId: 'get_reactions', summary: 'Who reacted how', params: MessageRef, querystring: ListReactions, response: { 200: ReactionPage } }
const add = { tags, operationId: 'add_reaction', summary: 'React to a message', description: 'Up to 20 distinct emoji a message.', params: MessageRef, body: EmojiBody, response }
const remove = { tags, operationId: 'remove_reaction', summary: 'Take a reaction back', params: ReactionRef, response }
const removeByBody = { ...remove, operationId: 'remove_reaction_by_body', errors: commands.remove_reaction.errors, params: MessageRef, body: EmojiBody }
