import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { MembersService } from '../chats/members.ts'
import { AddParticipants, commands, ListParticipants, Ok, ParticipantChange, ParticipantPage, ParticipantRef, UpdateChat, UpdateParticipant } from '../chats/schemas.ts'
import type { ChatsService } from '../chats/service.ts'
import { codes } from '../errors.ts'
import { commands as sending, MessageSent } from '../messages/schemas.ts'
import type { MessagesService } from '../messages/service.ts'
import { ChatRef, UserRef } from '../primitives.ts'
import { sendJson } from '../rest.ts'
import {
  AdminChat, AdminHistory, AdminHistoryPage, AdminUser, CreateChatFor, PutUser, PutUsers, SendAsAny, SendAsToUser, UsersPut,
} from './schemas.ts'
import type { AdministrationService } from './service.ts'

export interface AdministrationServices { administration: AdministrationService, chats: ChatsService, members: MembersService, messages: Pick<MessagesService, 'send' | 'sendToUser'> }

export const administrationRoutes: FastifyPluginAsyncTypebox<AdministrationServices> = async (app, { administration, chats, members, messages }) => {
  app.get('/admin/users/:userId', { schema: getUser }, request => administration.user(request.params.userId))
  app.put('/admin/users/:userId', { schema: putUser }, async (request, reply) => {
    const { created, user } = await administration.putUser(request.params.userId, request.body)
    return reply.code(created ? 201 : 200).send(user)
  })
  app.post('/admin/users', { schema: putUsers }, request => administration.putUsers(request.body))
  app.post('/admin/users/:userId/revoke', { schema: revoke }, request => administration.revoke(request.params.userId))

  app.post('/admin/sessions', { schema: createChat }, async (request, reply) => {
    const { created, view } = await administration.createChat(request.body)
    return reply.code(created ? 201 : 200).send(view)
  })
  app.get('/admin/sessions/:chatId', { schema: getChat }, request => administration.chat(request.params.chatId))
  app.patch('/admin/sessions/:chatId', { schema: updateChat }, async request => {
    await chats.updateAny(request.params.chatId, request.body)
    return administration.chat(request.params.chatId)
  })
  app.delete('/admin/sessions/:chatId', { schema: deleteChat }, async request => {
    await chats.deleteAny(request.params.chatId)
    return { chatId: request.params.chatId.toLowerCase() }
  })

  app.get('/admin/sessions/:chatId/participants', { schema: listMembers }, request => members.list(request.admin, request.params.chatId, request.query))
  app.post('/admin/sessions/:chatId/participants', { schema: addMembers }, request => members.put(request.admin, request.params.chatId, request.body))
  app.patch('/admin/sessions/:chatId/participants/:userId', { schema: updateMember }, request =>
    members.update(request.admin, request.params.chatId, request.params.userId, request.body))
  app.delete('/admin/sessions/:chatId/participants/:userId', { schema: removeMember }, request => members.remove(request.admin, request.params.chatId, request.params.userId))

  app.get('/admin/sessions/:chatId/messages', { schema: history }, async (request, reply) =>
    sendJson(reply, await administration.history(request.params.chatId, request.query)))
  app.post('/admin/sessions/:chatId/messages', { schema: send }, async (request, reply) => {
    const { body: message, params: { chatId } } = request
    const { duplicate, body } = await (message.senderId === null ? administration.sendAsSystem(chatId, message) : messages.send(message.senderId, chatId, withoutSender(message)))
    return sendJson(reply.code(duplicate ? 200 : 201), body)
  })
  app.post('/admin/messages', { schema: sendToUser }, async (request, reply) => {
    const { senderId, targetUserId, ...message } = request.body
    const { duplicate, body } = await messages.sendToUser(senderId, targetUserId, message)
    return sendJson(reply.code(duplicate ? 200 : 201), body)
  })
}

function withoutSender<Body extends { senderId: string }> ({ senderId, ...message }: Body): Omit<Body, 'senderId'> {
  return message
}

const tags = ['admin']
const getUser = { tags, operationId: 'admin_get_user', errors: codes('ROLE_REQUIRED', 'USER_NOT_FOUND'), summary: 'A user', params: UserRef, response: { 200: AdminUser } }
const putUser = {
  tags,
  operationId: 'admin_put_user',
  errors: codes('ROLE_REQUIRED', 'OUTCOME_UNKNOWN'),
  summary: 'Create or change a user',
  description: 'What is not given stays as it is. Where the user’s tokens say a name or a picture, the next token’s word is the last.',
  params: UserRef,
  body: PutUser,
  response: { 200: AdminUser, 201: AdminUser },
}
const putUsers = { tags, operationId: 'admin_put_users', errors: codes('ROLE_REQUIRED', 'OUTCOME_UNKNOWN'), summary: 'Create or change many users', description: 'Up to 500. Each by themselves: what fails on the way can be sent again as it is.', body: PutUsers, response: { 200: UsersPut } }
const revoke = {
  tags,
  operationId: 'admin_revoke_user',
  errors: codes('ROLE_REQUIRED', 'USER_NOT_FOUND'),
  summary: 'End a user’s tokens and connections',
  description: 'Their sockets are closed with 4401; tokens that were issued until now (to the end of this second) are refused: TOKEN_INVALID.',
  params: UserRef,
  response: { 200: AdminUser },
}
const createChat = {
  tags,
  operationId: 'admin_create_chat',
  errors: codes('ROLE_REQUIRED', ...commands.create_chat.errors),
  summary: 'Make a chat, or find it',
  description: 'As if `createdById` made it (POST /sessions). The same pair, clientChatId or externalRef again is answered with the chat that has it (200).',
  body: CreateChatFor,
  response: { 200: AdminChat, 201: AdminChat },
}
const getChat = { tags, operationId: 'admin_get_chat', errors: codes('ROLE_REQUIRED', 'CHAT_NOT_FOUND'), summary: 'Any chat', description: 'Also a deleted one, until its rows are removed.', params: ChatRef, response: { 200: AdminChat } }
const updateChat = { tags, operationId: 'admin_update_chat', errors: codes('ROLE_REQUIRED', 'CHAT_NOT_FOUND'), summary: 'Change any chat', params: ChatRef, body: UpdateChat, response: { 200: AdminChat } }
const deleteChat = { tags, operationId: 'admin_delete_chat', errors: codes('ROLE_REQUIRED', 'CHAT_NOT_FOUND'), summary: 'Delete any chat for everyone', params: ChatRef, response: { 200: Ok } }
const listMembers = { tags, operationId: 'admin_get_participants', errors: codes('ROLE_REQUIRED', 'CHAT_NOT_FOUND'), summary: 'Who is in a chat', params: ChatRef, querystring: ListParticipants, response: { 200: ParticipantPage } }
const addMembers = {
  tags,
  operationId: 'admin_add_participants',
  errors: codes('ROLE_REQUIRED', 'CHAT_NOT_FOUND', 'USER_NOT_FOUND'),
  summary: 'Add people to a chat',
  description: 'Nobody is asked: not by invitation, not whom they block. A ban from the chat ends by it.',
  params: ChatRef,
  body: AddParticipants,
  response: { 200: ParticipantChange },
}
const updateMember = { tags, operationId: 'admin_update_participant', errors: codes('ROLE_REQUIRED', 'CHAT_NOT_FOUND', 'USER_NOT_FOUND', 'LAST_OWNER'), summary: 'Change a role or label', params: ParticipantRef, body: UpdateParticipant, response: { 200: ParticipantChange } }
const removeMember = { tags, operationId: 'admin_remove_participant', errors: codes('ROLE_REQUIRED', 'CHAT_NOT_FOUND', 'USER_NOT_FOUND'), summary: 'Remove somebody from a chat', params: ParticipantRef, response: { 200: ParticipantChange } }
const history = {
  tags,
  operationId: 'admin_get_history',
  errors: codes('ROLE_REQUIRED', 'CHAT_NOT_FOUND'),
  summary: 'Read any chat',
  description: 'The newest page, or what is before or after a seq, ascending; for moderation: nobody has got or read anything by it.',
  params: ChatRef,
  querystring: AdminHistory,
  response: { 200: AdminHistoryPage },
}
const send = {
  tags,
  operationId: 'admin_send_message',
  errors: codes('ROLE_REQUIRED', ...sending.send_message.errors),
  summary: 'Send as anybody, or as the system',
  description: 'As `senderId`, with their rights in the chat; with null a SYSTEM message of the application, with a text or data of its own. The same clientMessageId again: 200, duplicate.',
  params: ChatRef,
  body: SendAsAny,
  response: { 200: MessageSent, 201: MessageSent },
}
const sendToUser = { tags, operationId: 'admin_send_message_to_user', errors: codes('ROLE_REQUIRED', ...sending.send_message.errors), summary: 'Send to a person as another', description: 'Finds or makes the DIRECT chat of the two first.', body: SendAsToUser, response: { 200: MessageSent, 201: MessageSent } }
