import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ChatRef, UserRef } from '../primitives.ts'
import type { ChatServices } from './index.ts'
import { withLabels } from './labels.ts'
import {
  commands,
  AddParticipants, ChatPage, ChatView, CreateChat, DeleteChat, ListChatsQuery, ListParticipants, ListUserChats, Membership, Ok, ParticipantChange, ParticipantPage, ParticipantRef, Silence, Stats,
  UpdateChat, UpdateMembership, UpdateParticipant, UserChatPage,
} from './schemas.ts'

export const chatRoutes: FastifyPluginAsyncTypebox<ChatServices> = async (app, { chats, members, memberships, sanctions, requests }) => {
  app.post('/sessions', { schema: create }, async (request, reply) => {
    const { created, view } = await chats.create(request.identity.userId, request.body)
    return reply.code(created ? 201 : 200).send(view)
  })
  app.get('/sessions', { schema: list }, request => chats.list(request.identity.userId, withLabels(request.query)))
  app.get('/users/:userId/sessions', { schema: listOfUser }, request => chats.listOfUser(request.identity, request.params.userId, request.query))
  app.get('/sessions/:chatId', { schema: get }, request => chats.show(request.identity.userId, request.params.chatId))
  app.get('/sessions/:chatId/stats', { schema: stats }, request => chats.stats(request.identity.userId, request.params.chatId))
  app.route({
    method: ['PATCH', 'PUT'],
    url: '/sessions/:chatId',
    schema: update,
    handler: request => chats.update(request.identity.userId, request.params.chatId, request.body),
  })
  app.delete('/sessions/:chatId', { schema: remove }, async request => {
    const { identity: { userId }, params: { chatId }, query: { scope } } = request
    await (scope === 'everyone' ? chats.deleteForEveryone(userId, chatId) : chats.deleteForMe(userId, chatId))
    return { chatId: chatId.toLowerCase() }
  })
  app.patch('/sessions/:chatId/me', { schema: updateMine }, request => memberships.update(request.identity.userId, request.params.chatId, request.body))
  app.post('/sessions/:chatId/archive', { schema: archive }, request => memberships.update(request.identity.userId, request.params.chatId, { archived: true }))
  app.post('/sessions/:chatId/unarchive', { schema: unarchive }, request => memberships.update(request.identity.userId, request.params.chatId, { archived: false }))
  app.post('/sessions/:chatId/accept', { schema: accept }, request => requests.accept(request.identity.userId, request.params.chatId))
  app.post('/sessions/:chatId/reject', { schema: reject }, async request => {
    await requests.reject(request.identity.userId, request.params.chatId)
    return { chatId: request.params.chatId.toLowerCase() }
  })
  app.post('/sessions/:chatId/clear', { schema: clear }, request => memberships.clear(request.identity.userId, request.params.chatId))

  app.get('/sessions/:chatId/participants', { schema: listMembers }, request => members.list(request.identity.userId, request.params.chatId, request.query))
  app.post('/sessions/:chatId/participants', { schema: add }, request => members.add(request.identity.userId, request.params.chatId, request.body))
  app.patch('/sessions/:chatId/participants/:userId', { schema: updateMember }, request =>
    members.update(request.identity.userId, request.params.chatId, request.params.userId, request.body))
  app.delete('/sessions/:chatId/participants/:userId', { schema: removeMember }, request =>
    members.remove(request.identity.userId, request.params.chatId, request.params.userId))

  app.post('/sessions/:chatId/participants/:userId/ban', { schema: ban }, request => sanctions.ban(request.identity.userId, request.params.chatId, request.params.userId))
  app.post('/sessions/:chatId/participants/:userId/unban', { schema: unban }, request => sanctions.unban(request.identity.userId, request.params.chatId, request.params.userId))
  app.post('/sessions/:chatId/participants/:userId/silence', { schema: silence }, request =>
    sanctions.silence(request.identity.userId, request.params.chatId, request.params.userId, request.body))
  app.post('/sessions/:chatId/participants/:userId/unsilence', { schema: unsilence }, request =>
    sanctions.unsilence(request.identity.userId, request.params.chatId, request.params.userId))
}

const tags = ['chats']
const create = {
  tags,
  operationId: 'create_chat',
  summary: 'Make a chat, or find it',
  description: 'DIRECT: one a pair. GROUP: the maker owns it. The same clientChatId or externalRef again is answered with the chat that has it (200).',
  body: CreateChat,
  response: { 200: ChatView, 201: ChatView },
}
const list = {
  tags,
  operationId: 'get_chats',
  summary: 'My chats',
  description: 'Pinned first, then by newest activity. With type=STREAM: all public streams, newest first. `label.<key>=<value>`, up to ten of them: those with these labels. ' +
    '`state=requests`: who asks to talk to me, chats that I am invited to, and whom I have asked.',
  querystring: ListChatsQuery,
  response: { 200: ChatPage },
}
const listOfUser = {
  tags,
  operationId: 'get_user_chats',
  summary: 'A user’s history of chats',
  description: 'For the user and administrators. Also what they have left; by their joining, newest first.',
  params: UserRef,
  querystring: ListUserChats,
  response: { 200: UserChatPage },
}
const stats = { tags, operationId: 'get_stats', summary: 'Statistics of a chat', params: ChatRef, response: { 200: Stats } }
const get = { tags, operationId: 'get_chat', summary: 'A chat', params: ChatRef, response: { 200: ChatView } }
const update = { tags, operationId: 'update_chat', summary: 'Change a chat', description: 'ADMIN and above.', params: ChatRef, body: UpdateChat, response: { 200: ChatView } }
const remove = {
  tags,
  operationId: 'delete_chat',
  summary: 'Delete a chat',
  description: 'For me: a GROUP is left, a DIRECT chat cleared and unlisted. For everyone: the OWNER of a GROUP.',
  params: ChatRef,
  querystring: DeleteChat,
  response: { 200: Ok },
}
const accept = { tags, operationId: 'accept_chat', summary: 'Accept a request or an invitation', description: 'Also one that I have rejected: a request, not an invitation.', params: ChatRef, response: { 200: ChatView } }
const reject = {
  tags,
  operationId: 'reject_chat',
  summary: 'Reject a request or an invitation',
  description: 'I am not in the chat any more, and am not asked again for 30 days: who tries gets REQUEST_LIMIT, with details.retryAt.',
  params: ChatRef,
  response: { 200: Ok },
}
const clear = { tags, operationId: 'clear_chat', summary: 'Clear the history for me', params: ChatRef, response: { 200: Membership } }
const updateMine = { tags, operationId: 'update_membership', summary: 'Change my settings of a chat', params: ChatRef, body: UpdateMembership, response: { 200: Membership } }
const archive = { tags, operationId: 'archive_chat', errors: commands.update_membership.errors, summary: 'Archive a chat', description: 'Something new brings it back, unless it is muted.', params: ChatRef, response: { 200: Membership } }
const unarchive = { tags, operationId: 'unarchive_chat', errors: commands.update_membership.errors, summary: 'Bring a chat back from the archive', params: ChatRef, response: { 200: Membership } }
const listMembers = { tags, operationId: 'get_participants', summary: 'Who is in the chat', params: ChatRef, querystring: ListParticipants, response: { 200: ParticipantPage } }
const add = { tags, operationId: 'add_participants', summary: 'Add people', description: 'As the chat’s whoMayInvite says. Nobody can give more than their own role.', params: ChatRef, body: AddParticipants, response: { 200: ParticipantChange } }
const updateMember = { tags, operationId: 'update_participant', summary: 'Change a role or label', description: 'ADMIN and above.', params: ParticipantRef, body: UpdateParticipant, response: { 200: ParticipantChange } }
const removeMember = { tags, operationId: 'remove_participant', summary: 'Remove somebody', description: 'ADMIN and above; anybody can remove themselves.', params: ParticipantRef, response: { 200: ParticipantChange } }
const ban = { tags, operationId: 'ban_user', summary: 'Ban somebody from a chat', description: 'MODERATOR and above, over those of a lesser role.', params: ParticipantRef, response: { 200: ParticipantChange } }
const unban = { tags, operationId: 'unban_user', summary: 'Lift a ban', params: ParticipantRef, response: { 200: ParticipantChange } }
const silence = { tags, operationId: 'silence_user', summary: 'Silence somebody for a time', description: 'MODERATOR and above, over those of a lesser role.', params: ParticipantRef, body: Silence, response: { 200: ParticipantChange } }
const unsilence = { tags, operationId: 'unsilence_user', summary: 'Let somebody speak again', params: ParticipantRef, response: { 200: ParticipantChange } }
