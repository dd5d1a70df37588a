import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { codes } from '../errors.ts'
import { ChatRef, UserRef } from '../primitives.ts'
import { OnlineUsers, Presence, PresenceList, PresenceQuery, SetPresence, commands } from './schemas.ts'
import type { PresenceService } from './service.ts'

export const presenceRoutes: FastifyPluginAsyncTypebox<{ presence: PresenceService }> = async (app, { presence }) => {
  app.get('/users/:userId/presence', { schema: get }, request => presence.get(request.identity.userId, request.params.userId))
  app.put('/presence', { schema: set }, request => presence.set(request.identity.userId, request.body))
  app.get('/presence/online', { schema: online }, request => presence.online(request.identity.userId))
  app.get('/sessions/:chatId/online', { schema: onlineInChat }, request => presence.online(request.identity.userId, request.params.chatId))
  app.post('/presence/query', { schema: query, config: { isRead: true } }, request => presence.query(request.identity.userId, request.body.userIds))
}

const tags = ['presence']
const get = { tags, operationId: 'get_presence_of_user', errors: codes('USER_NOT_FOUND'), summary: 'Whether somebody is online, and what they say of themselves', params: UserRef, response: { 200: Presence } }
const query = { tags, operationId: 'get_presence', summary: 'Whether these people are online', body: PresenceQuery, response: { 200: PresenceList } }
const set = {
  tags,
  operationId: 'presence_update',
  summary: 'What others see of me: ONLINE, AWAY, BUSY or INVISIBLE',
  description: 'Until I say something else, on all my devices. Who is INVISIBLE is OFFLINE to others: in events, in lists and counts of who is online or looks at a chat, and does not type.',
  body: SetPresence,
  response: { 200: Presence },
}
const online = { tags, operationId: 'get_online_users', summary: 'Who is online of those with whom I share a DIRECT chat or a small group', response: { 200: OnlineUsers } }
const onlineInChat = { tags, operationId: 'get_online_users_of_chat', errors: commands.get_online_users.errors, summary: 'Who of a chat is online', params: ChatRef, response: { 200: OnlineUsers } }
