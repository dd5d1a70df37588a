import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ChatRef } from '../primitives.ts'
import { sendJson } from '../rest.ts'
import { SearchPage, SearchQuery, commands } from './schemas.ts'
import type { SearchService } from './service.ts'

export const searchRoutes: FastifyPluginAsyncTypebox<{ search: SearchService }> = async (app, { search }) => {
  app.get('/search', { schema: everywhere }, async (request, reply) => sendJson(reply, await search.search(request.identity.userId, undefined, request.query)))
  app.get('/sessions/:chatId/search', { schema: inChat }, async (request, reply) =>
    sendJson(reply, await search.search(request.identity.userId, request.params.chatId, request.query)))
}

const tags = ['search']
const description = 'Words or parts of words, all of which must be there; "phrases" in quotes. Upper and lower case, accents and punctuation do not matter. Only what the history would show.'
const everywhere = { tags, operationId: 'search', summary: 'Search my chats', description, querystring: SearchQuery, response: { 200: SearchPage } }
const inChat = { tags, operationId: 'search_chat', errors: commands.search.errors, summary: 'Search a chat', description, params: ChatRef, querystring: SearchQuery, response: { 200: SearchPage } }
