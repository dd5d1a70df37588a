import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { UserRef } from '../primitives.ts'
import { Presence, PresenceList, PresenceQuery } from './schemas.ts'
import type { PresenceService } from './service.ts'

export const presenceRoutes: FastifyPluginAsyncTypebox<{ presence: PresenceService }> = async (app, { presence }) => {
  app.get('/users/:userId/presence', { schema: get }, request => presence.get(request.identity.userId, request.params.userId))
  app.post('/presence/query', { schema: query }, request => presence.query(request.identity.userId, request.body.userIds))
}

const tags = ['presence']
const get = { tags, summary: 'Whether somebody is online', params: UserRef, response: { 200: Presence } }
const query = { tags, summary: 'Whether these people are online', body: PresenceQuery, response: { 200: PresenceList } }
