import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { withLabels } from '../chats/labels.ts'
import { ChatView, ParticipantChange } from '../chats/schemas.ts'
import { ChatRef } from '../primitives.ts'
import { ListSupportQuery, ReleaseChat, SupportPage, SupportView, TakeChat } from './schemas.ts'
import type { SupportService } from './service.ts'

export const supportRoutes: FastifyPluginAsyncTypebox<{ support: SupportService }> = async (app, { support }) => {
  app.get('/support/sessions', { schema: list }, request => support.list(request.identity, withLabels(request.query)))
  app.get('/support/sessions/:chatId', { schema: get }, request => support.get(request.identity, request.params.chatId))
  app.post('/sessions/:chatId/take', { schema: take }, request => support.take(request.identity, request.params.chatId, request.body))
  app.post('/sessions/:chatId/release', { schema: release }, request => support.release(request.identity, request.params.chatId, request.body))
  app.post('/sessions/:chatId/close', { schema: close }, request => support.close(request.identity, request.params.chatId))
}

const tags = ['support']
const list = {
  tags,
  operationId: 'get_support_chats',
  summary: 'Support chats, oldest first',
  description: 'For agents. Those that nobody has taken, unless another status is asked for. `label.<key>=<value>`, up to ten of them: those with these labels.',
  querystring: ListSupportQuery,
  response: { 200: SupportPage },
}
const get = { tags, operationId: 'get_support_chat', summary: 'Look at a support chat without taking it', description: 'For agents. With its newest 50 messages.', params: ChatRef, response: { 200: SupportView } }
const take = {
  tags,
  operationId: 'take_chat',
  summary: 'Take a support chat',
  description: 'For agents. CHAT_TAKEN (409) says whose it is; `join` joins beside them. The whole history is visible.',
  params: ChatRef,
  body: TakeChat,
  response: { 200: ChatView },
}
const release = {
  tags,
  operationId: 'release_chat',
  summary: 'Leave a support chat, or hand it over',
  description: 'It goes to `toUserId`, else to the agent who has been in it longest, else back to the queue.',
  params: ChatRef,
  body: ReleaseChat,
  response: { 200: ParticipantChange },
}
const close = { tags, operationId: 'close_chat', summary: 'Close a support chat', description: 'By its user or an agent. A new message opens it again.', params: ChatRef, response: { 200: ChatView } }
