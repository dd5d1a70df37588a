import type { CommandName } from '../../src/contract.ts'
import type { ErrorCode } from '../../src/errors.ts'
import type { Input } from '../helpers/wire.ts'
import { badPage, direct, group, member, message, noChat, noMessage } from './inputs.ts'
import { ON_LISTS } from './operations-on-lists.ts'
import { ON_MEDIA } from './operations-on-media.ts'
import { ON_CONSENT } from './operations-on-consent.ts'
import { ON_MEMBERS } from './operations-on-members.ts'
import { ON_THREADS } from './operations-on-threads.ts'
import { ON_MESSAGES } from './operations-on-messages.ts'
import { ON_SEARCH } from './operations-on-search.ts'
import { ON_SUPPORT } from './operations-on-support.ts'
import { ON_REPORTS } from './operations-on-reports.ts'
import { ON_STREAMS } from './operations-on-streams.ts'
import { ON_USERS } from './operations-on-users.ts'
import { ON_PRESENCE } from './operations-on-presence.ts'
import type { Person, World } from './world.ts'

/** What can be done over REST and WebSocket alike. Both are given the same input. */
export interface Operation {
  route: string
  command: CommandName
  /** What the route says by its name, and the command in its data. */
  says?: Input
  /** Its worlds have support chats in them. */
  support?: boolean
  cases: Case[]
}

export interface Case {
  as: Person
  input?: (world: World) => Input
  /** What has to be there first. */
  prepare?: (world: World) => Promise<unknown>
  /** Of a route that reads: this leaves something behind. */
  changes?: boolean
  /** None: it succeeds. */
  error?: ErrorCode
}

/** Routes that no command has, and why. */
export const REST_ONLY: Record<string, string> = {
  'GET /users/{userId}': 'users come with everything that names them',
  'GET /users/{userId}/presence': 'a socket has get_presence',
  'POST /media': 'files go by HTTP',
  'POST /media/upload-url': 'files go by HTTP',
  'POST /media/{mediaId}/complete': 'files go by HTTP',
  'POST /media/urls': 'a socket has its token',
  'GET /media/{mediaId}': 'files go by HTTP',
  'GET /media/{mediaId}/thumbnail': 'files go by HTTP',
  'GET /media/{mediaId}/metadata': 'a message carries what is known of its files',
  'DELETE /media/{mediaId}': 'files go by HTTP',
  'GET /media/signed': 'files go by HTTP',
  'PUT /media/signed': 'files go by HTTP',
  'GET /admin/messages/{messageId}': 'administration is by REST',
  'POST /admin/messages/{messageId}/restore': 'administration is by REST',
  'GET /admin/overview': 'administration is by REST',
  'GET /admin/reports': 'administration is by REST',
  'GET /admin/reports/{reportId}': 'administration is by REST',
  'POST /admin/reports/{reportId}/resolve': 'administration is by REST',
  'POST /admin/users/{userId}/ban': 'administration is by REST',
  'POST /admin/users/{userId}/unban': 'administration is by REST',
}

/** Commands that no route has, and why. */
export const SOCKET_ONLY: Partial<Record<CommandName, string>> = {
  authenticate: 'of the connection',
  ping: 'of the connection',
  join_chat: 'it is a socket that looks',
  leave_chat: 'it is a socket that looks',
  user_online: 'PUT /presence says the same',
  user_offline: 'PUT /presence says the same',
  typing_start: 'not kept for anybody',
  typing_stop: 'not kept for anybody',
  typing_indicator: 'not kept for anybody',
}

const everything = {
  name: 'Friends of ours', avatarUrl: 'https://example.com/a.png', description: 'Us', labels: { team: 'a' }, metadata: { list: [1, { deep: null }] }, settings: { slowModeSeconds: 1, retentionDays: 7, historyForNewMembers: 'ALL', whoMaySend: 'MODERATOR', whoMayInvite: 'MEMBER' },
}
const marks: Case[] = [
  { as: 'fay', input: group() },
  { as: 'fay', input: group({ upToSeq: 3 }) },
  { as: 'fay', input: group({ upToSeq: 2_147_483_647 }) },
  { as: 'fay', input: world => ({ chatId: world.group, messageIds: [world.late, world.early] }) },
  { as: 'fay', input: world => ({ chatId: world.group, messageIds: [world.late], upToSeq: 1 }), error: 'VALIDATION_FAILED' },
  { as: 'fay', input: world => ({ chatId: world.group, messageIds: [world.directOne] }), error: 'MESSAGE_NOT_FOUND' },
  { as: 'fay', input: group({ upToSeq: -1 }), error: 'VALIDATION_FAILED' },
  { as: 'fay', input: group({ upToSeq: 2_147_483_648 }), error: 'VALIDATION_FAILED' },
  ...noChat,
]
const blocks = { user: (world: World) => ({ userId: world.id('fay') }), again: (world: World) => world.call('bob', 'PUT /blocks/{userId}', { userId: world.id('fay') }) }
const noPeer: Case[] = [{ as: 'olga', input: group(), error: 'VALIDATION_FAILED' }, ...noChat.slice(0, 3)]

export const OPERATIONS: Operation[] = [
  {
    route: 'POST /sessions',
    command: 'create_chat',
    cases: [
      { as: 'bob', input: ({ id }) => ({ type: 'DIRECT', targetUserId: id('zoe') }) },
      { as: 'bob', input: ({ id }) => ({ type: 'DIRECT', targetUserId: id('fay') }) },
      { as: 'bob', input: ({ id }) => ({ type: 'GROUP', participantIds: [id('fay'), id('zoe'), id('zoe'), id('bob')], clientChatId: 'mine', externalRef: id('vic'), ...everything }) },
      { as: 'bob', input: () => ({ type: 'GROUP', name: 'Again', participantIds: [], clientChatId: 'twice' }), prepare: ({ call }) => call('bob', 'POST /sessions', { type: 'GROUP', name: 'Once', participantIds: [], clientChatId: 'twice' }) },
      { as: 'bob', input: ({ id }) => ({ type: 'DIRECT', targetUserId: id('bob') }), error: 'TARGET_IS_SELF' },
      { as: 'bob', input: ({ id }) => ({ type: 'GROUP', name: 'With ida', participantIds: [id('ida')] }), error: 'CHAT_BLOCKED' },
      { as: 'ida', input: ({ id }) => ({ type: 'DIRECT', targetUserId: id('olga') }), error: 'CHAT_BLOCKED' },
      { as: 'bob', input: ({ id }) => ({ type: 'GROUP', name: 'Hers', participantIds: [], externalRef: id('zoe').replace('zoe', 'hers') }), error: 'EXTERNAL_REF_TAKEN' },
      { as: 'bob', input: () => ({ type: 'GROUP', participantIds: [] }), error: 'VALIDATION_FAILED' },
      { as: 'bob', input: () => ({ type: 'GROUP', name: 'Metadata', participantIds: [], metadata: { text: 'x'.repeat(8192) } }), error: 'VALIDATION_FAILED' },
      { as: 'bob', input: () => ({ type: 'CROWD' }), error: 'VALIDATION_FAILED' },
    ],
  },
  {
    route: 'GET /sessions',
    command: 'get_chats',
    cases: [
      { as: 'bob' }, { as: 'bob', input: () => ({ limit: 1, type: 'GROUP', state: 'active' }) }, { as: 'bob', input: () => ({ state: 'archived' }) }, { as: 'vic' },
      { as: 'bob', input: () => ({ state: 'lost' }), error: 'VALIDATION_FAILED' }, ...badPage(() => ({})),
    ],
  },
  { route: 'GET /sessions/{chatId}', command: 'get_chat', cases: [{ as: 'bob', input: group() }, { as: 'lee', input: group() }, { as: 'fay', input: direct() }, ...noChat] },
  {
    route: 'PATCH /sessions/{chatId}',
    command: 'update_chat',
    cases: [
      { as: 'adam', input: group(everything) },
      { as: 'olga', input: group({ avatarUrl: null, description: null }) },
      { as: 'mona', input: group({ name: 'Mine' }), error: 'ROLE_REQUIRED' },
      { as: 'bob', input: direct({ name: 'Ours' }), error: 'ROLE_REQUIRED' },
      { as: 'zoe', input: group({ name: 'Mine' }), error: 'CHAT_NOT_FOUND' },
      ...[{}, { name: '' }, { name: null }, { type: 'DIRECT' }, { settings: { whoMaySend: 'NOBODY' } }, { labels: { '': 'x' } }, { metadata: [] }].map((bad): Case => ({ as: 'adam', input: group(bad), error: 'VALIDATION_FAILED' })),
    ],
  },
  { route: 'PUT /sessions/{chatId}', command: 'update_chat', cases: [{ as: 'adam', input: group({ name: 'Ours' }) }, { as: 'bob', input: group({ name: 'Mine' }), error: 'ROLE_REQUIRED' }] },
  {
    route: 'DELETE /sessions/{chatId}',
    command: 'delete_chat',
    cases: [
      { as: 'bob', input: group() }, { as: 'olga', input: group({ scope: 'me' }) }, { as: 'bob', input: direct({ scope: 'me' }) }, { as: 'olga', input: group({ scope: 'everyone' }) },
      { as: 'adam', input: group({ scope: 'everyone' }), error: 'ROLE_REQUIRED' }, { as: 'bob', input: direct({ scope: 'everyone' }), error: 'ROLE_REQUIRED' },
      { as: 'bob', input: group({ scope: 'all' }), error: 'VALIDATION_FAILED' }, ...noChat,
    ],
  },
  { route: 'DELETE /sessions/{chatId}', command: 'leave_membership', cases: [{ as: 'bob', input: group() }, { as: 'bob', input: direct() }, ...noChat] },
  { route: 'POST /sessions/{chatId}/clear', command: 'clear_chat', cases: [{ as: 'bob', input: group() }, { as: 'bob', input: direct() }, ...noChat.slice(0, 3)] },
  {
    route: 'GET /sessions/{chatId}/participants',
    command: 'get_participants',
    cases: [{ as: 'bob', input: group() }, { as: 'bob', input: group({ limit: 1 }) }, ...noChat, ...badPage(group())],
  },
  {
    route: 'POST /sessions/{chatId}/participants',
    command: 'add_participants',
    cases: [
      { as: 'adam', input: ({ group, id }) => ({ chatId: group, userIds: [id('zoe'), id('lex'), id('zoe')], role: 'MODERATOR', label: 'VIP' }) },
      { as: 'olga', input: ({ group, id }) => ({ chatId: group, userIds: [id('bob')] }) },
      { as: 'mona', input: ({ group, id }) => ({ chatId: group, userIds: [id('zoe')] }), error: 'ROLE_REQUIRED' },
      { as: 'adam', input: ({ group, id }) => ({ chatId: group, userIds: [id('zoe')], role: 'OWNER' }), error: 'ROLE_REQUIRED' },
      { as: 'bob', input: ({ direct, id }) => ({ chatId: direct, userIds: [id('zoe')] }), error: 'ROLE_REQUIRED' },
      { as: 'olga', input: ({ group, id }) => ({ chatId: group, userIds: [id('zoe'), id('ida')] }), error: 'CHAT_BLOCKED' },
      { as: 'zoe', input: ({ group, id }) => ({ chatId: group, userIds: [id('zoe')] }), error: 'CHAT_NOT_FOUND' },
      { as: 'adam', input: group({ userIds: [] }), error: 'VALIDATION_FAILED' }, { as: 'adam', input: group({ userIds: ['a\nb'] }), error: 'VALIDATION_FAILED' },
    ],
  },
  {
    route: 'PATCH /sessions/{chatId}/participants/{userId}',
    command: 'update_participant',
    cases: [
      { as: 'adam', input: member('bob', { role: 'ADMIN', label: 'VIP' }) }, { as: 'olga', input: member('bob', { role: 'OWNER' }) }, { as: 'olga', input: member('fay', { label: null }) },
      { as: 'mona', input: member('bob', { label: 'VIP' }), error: 'ROLE_REQUIRED' }, { as: 'adam', input: member('olga', { role: 'MEMBER' }), error: 'ROLE_REQUIRED' },
      { as: 'adam', input: member('bob', { role: 'OWNER' }), error: 'ROLE_REQUIRED' }, { as: 'olga', input: member('olga', { role: 'MEMBER' }), error: 'LAST_OWNER' },
      { as: 'olga', input: member('zoe', { label: 'VIP' }), error: 'USER_NOT_FOUND' }, { as: 'olga', input: member('lex', { label: 'VIP' }), error: 'USER_NOT_FOUND' },
      { as: 'zoe', input: member('bob', { label: 'VIP' }), error: 'CHAT_NOT_FOUND' }, { as: 'olga', input: member('bob'), error: 'VALIDATION_FAILED' },
      { as: 'olga', input: member('bob', { role: 'KING' }), error: 'VALIDATION_FAILED' },
    ],
  },
  {
    route: 'DELETE /sessions/{chatId}/participants/{userId}',
    command: 'remove_participant',
    cases: [
      { as: 'adam', input: member('bob') }, { as: 'bob', input: member('bob') }, { as: 'olga', input: member('olga') },
      { as: 'mona', input: member('bob'), error: 'ROLE_REQUIRED' }, { as: 'adam', input: member('olga'), error: 'ROLE_REQUIRED' }, { as: 'olga', input: member('zoe'), error: 'USER_NOT_FOUND' },
      { as: 'bob', input: ({ direct, id }) => ({ chatId: direct, userId: id('bob') }), error: 'ROLE_REQUIRED' }, { as: 'zoe', input: member('bob'), error: 'CHAT_NOT_FOUND' },
    ],
  },
  {
    route: 'POST /sessions/{chatId}/messages',
    command: 'send_message',
    cases: [
      { as: 'bob', input: group({ content: 'hi' }) },
      { as: 'bob', input: world => ({ chatId: world.group, content: 'hi', type: 'TEXT', replyToId: world.answer, metadata: { a: [1, null] }, clientMessageId: 'key' }) },
      { as: 'bob', input: group({ content: 'late', metadata: { color: 'red' }, clientMessageId: 'late' }) },
      { as: 'bob', input: group({ content: 'later', clientMessageId: 'late' }), error: 'MESSAGE_ID_CONFLICT' },
      { as: 'bob', input: ({ blocked }) => ({ chatId: blocked, content: 'hi' }), error: 'CHAT_BLOCKED' }, { as: 'ida', input: ({ blocked }) => ({ chatId: blocked, content: 'hi' }), error: 'CHAT_BLOCKED' },
      { as: 'bob', input: ({ quiet }) => ({ chatId: quiet, content: 'hi' }), error: 'CHAT_READ_ONLY' }, { as: 'bob', input: ({ slow }) => ({ chatId: slow, content: 'hi' }), error: 'SLOW_MODE' },
      { as: 'sid', input: group({ content: 'hi' }), error: 'SILENCED' },
      { as: 'bob', input: ({ group }) => ({ chatId: group, content: 'hi', replyToId: `${group}.999` }), error: 'MESSAGE_NOT_FOUND' },
      { as: 'bob', input: ({ group, directOne }) => ({ chatId: group, content: 'hi', replyToId: directOne }), error: 'MESSAGE_NOT_FOUND' },
      { as: 'bob', input: ({ group, deleted }) => ({ chatId: group, content: 'hi', replyToId: deleted }), error: 'MESSAGE_NOT_FOUND' },
      { as: 'lex', input: group({ content: 'hi' }), error: 'CHAT_NOT_FOUND' }, { as: 'rex', input: group({ content: 'hi' }), error: 'CHAT_NOT_FOUND' },
      ...[{}, { content: '' }, { content: 1 }, { content: 'hi', type: 'SYSTEM' }, { content: 'hi', metadata: 'x' }, { content: 'hi', senderId: 'olga' }].map((bad): Case => ({ as: 'bob', input: group(bad), error: 'VALIDATION_FAILED' })),
    ],
  },
  {
    route: 'POST /messages',
    command: 'send_message',
    cases: [
      { as: 'bob', input: ({ id }) => ({ targetUserId: id('zoe'), content: 'hi' }) }, { as: 'fay', input: ({ id }) => ({ targetUserId: id('bob'), content: 'hi' }) },
      { as: 'bob', input: ({ id }) => ({ targetUserId: id('fay'), content: 'hello', clientMessageId: 'hello' }) },
      { as: 'bob', input: ({ id }) => ({ targetUserId: id('bob'), content: 'hi' }), error: 'TARGET_IS_SELF' }, { as: 'olga', input: ({ id }) => ({ targetUserId: id('ida'), content: 'hi' }), error: 'CHAT_BLOCKED' },
      { as: 'bob', input: ({ id }) => ({ targetUserId: id('fay'), content: 'bye', clientMessageId: 'hello' }), error: 'MESSAGE_ID_CONFLICT' },
      { as: 'bob', input: () => ({ targetUserId: '', content: 'hi' }), error: 'VALIDATION_FAILED' }, { as: 'bob', input: ({ id }) => ({ targetUserId: id('fay') }), error: 'VALIDATION_FAILED' },
    ],
  },
  {
    route: 'GET /sessions/{chatId}/messages',
    command: 'get_history',
    cases: [
      { as: 'fay', input: group(), changes: true }, { as: 'lee', input: group(), changes: true }, { as: 'fay', input: group({ after: 3, limit: 2 }), changes: true },
      { as: 'fay', input: group({ before: 5, limit: 2 }) },
      { as: 'fay', input: group({ around: 5, limit: 3 }) },
      { as: 'fay', input: ({ group, id }) => ({ chatId: group, type: 'TEXT', senderId: id('bob'), from: '2020-01-01T00:00:00Z', to: '2120-01-01T00:00:00.000+02:00' }) },
      { as: 'fay', input: group({ before: 5, after: 3 }), error: 'VALIDATION_FAILED' }, { as: 'fay', input: group({ after: -1 }), error: 'VALIDATION_FAILED' },
      { as: 'fay', input: group({ from: 'yesterday' }), error: 'VALIDATION_FAILED' }, ...noChat, ...badPage(group()),
    ],
  },
  { route: 'GET /sessions/{chatId}/messages', command: 'get_messages', cases: [{ as: 'fay', input: group({ before: 5, limit: 2 }) }, { as: 'fay', input: group({ before: 5, after: 3 }), error: 'VALIDATION_FAILED' }, ...noChat] },
  { route: 'GET /messages/{messageId}', command: 'get_messages', cases: [{ as: 'bob', input: message('answer') }, { as: 'bob', input: message('deleted') }, ...noMessage()] },
  {
    route: 'PUT /messages/{messageId}',
    command: 'edit_message',
    cases: [
      { as: 'bob', input: message('late', { content: 'edited' }) }, { as: 'bob', input: message('late', { content: 'late' }) },
      { as: 'olga', input: message('late', { content: 'edited' }), error: 'NOT_YOURS' }, { as: 'bob', input: message('deleted', { content: 'edited' }), error: 'MESSAGE_DELETED' },
      { as: 'bob', input: message('early', { content: 'edited' }), error: 'EDIT_WINDOW_CLOSED' }, { as: 'bob', input: message('late', { content: '' }), error: 'VALIDATION_FAILED' },
      { as: 'bob', input: message('late'), error: 'VALIDATION_FAILED' }, ...noMessage({ content: 'edited' }),
    ],
  },
  { route: 'PATCH /messages/{messageId}', command: 'edit_message', cases: [{ as: 'bob', input: message('late', { content: 'edited' }) }, { as: 'olga', input: message('late', { content: 'edited' }), error: 'NOT_YOURS' }] },
  {
    route: 'DELETE /messages/{messageId}',
    command: 'delete_message',
    cases: [
      { as: 'bob', input: message('late') }, { as: 'mona', input: message('late', { scope: 'everyone' }) }, { as: 'fay', input: message('late', { scope: 'me' }) }, { as: 'bob', input: message('deleted') },
      { as: 'fay', input: message('late', { scope: 'everyone' }), error: 'ROLE_REQUIRED' }, { as: 'fay', input: message('late', { scope: 'all' }), error: 'VALIDATION_FAILED' },
      ...noMessage(), ...noMessage({ scope: 'me' }),
    ],
  },
  {
    route: 'GET /messages/{messageId}/edits',
    command: 'get_edits',
    cases: [{ as: 'fay', input: message('late'), prepare: ({ call, late }) => call('bob', 'PUT /messages/{messageId}', { messageId: late, content: 'edited' }) }, { as: 'fay', input: message('answer') }, ...noMessage()],
  },
  { route: 'POST /sessions/{chatId}/read', command: 'mark_as_read', cases: marks },
  { route: 'POST /sessions/{chatId}/delivered', command: 'mark_as_delivered', cases: marks },
  { route: 'GET /sessions/{chatId}/unread', command: 'get_unread', cases: [{ as: 'fay', input: group() }, { as: 'lee', input: group() }, ...noChat] },
  { route: 'GET /unread', command: 'get_unread', cases: [{ as: 'fay' }, { as: 'vic' }, { as: 'vic', input: () => ({ all: 'yes' }), error: 'VALIDATION_FAILED' }] },
  {
    route: 'GET /messages/{messageId}/receipts',
    command: 'get_receipts',
    cases: [{ as: 'bob', input: message('late'), prepare: ({ call, group }) => call('fay', 'POST /sessions/{chatId}/read', { chatId: group }) }, { as: 'fay', input: message('late', { limit: 1 }) }, ...noMessage(), ...badPage(message('late'))],
  },
  { route: 'GET /blocks', command: 'get_blocks', cases: [{ as: 'ida' }, { as: 'bob' }, { as: 'bob', input: () => ({ limit: 1 }), error: 'VALIDATION_FAILED' }] },
  {
    route: 'PUT /blocks/{userId}',
    command: 'block_user',
    cases: [
      { as: 'bob', input: blocks.user }, { as: 'bob', input: blocks.user, prepare: blocks.again }, { as: 'bob', input: ({ id }) => ({ userId: `${id('vic')}-new` }) },
      { as: 'bob', input: ({ id }) => ({ userId: id('bob') }), error: 'TARGET_IS_SELF' }, { as: 'bob', input: () => ({ userId: 'a\tb' }), error: 'VALIDATION_FAILED' },
    ],
  },
  {
    route: 'DELETE /blocks/{userId}',
    command: 'unblock_user',
    cases: [{ as: 'bob', input: blocks.user, prepare: blocks.again }, { as: 'bob', input: blocks.user }, { as: 'bob', input: ({ id }) => ({ userId: id('bob') }), error: 'TARGET_IS_SELF' }],
  },
  { route: 'POST /sessions/{chatId}/block', command: 'block_user', cases: [{ as: 'bob', input: direct() }, ...noPeer] },
  { route: 'POST /sessions/{chatId}/unblock', command: 'unblock_user', cases: [{ as: 'ida', input: ({ blocked }) => ({ chatId: blocked }) }, ...noPeer] },
  {
    route: 'POST /sync',
    command: 'sync',
    cases: [
      { as: 'bob' }, { as: 'bob', input: () => ({ inboxRevision: 1 }) }, { as: 'bob', input: () => ({ inboxRevision: 1, epoch: 'another' }) },
      { as: 'bob', input: () => ({ inboxRevision: 2_147_483_647 }), error: 'EPOCH_CHANGED' }, { as: 'bob', input: () => ({ inboxRevision: -1 }), error: 'VALIDATION_FAILED' },
      { as: 'bob', input: () => ({ cursor: 'not-ours' }), error: 'VALIDATION_FAILED' }, { as: 'bob', input: () => ({ since: 1 }), error: 'VALIDATION_FAILED' },
    ],
  },
  {
    route: 'GET /sessions/{chatId}/changes',
    command: 'changes',
    cases: [
      { as: 'fay', input: group({ since: 0 }) }, { as: 'fay', input: group({ since: 12, limit: 2 }) }, { as: 'lee', input: group({ since: 1 }) }, { as: 'fay', input: group({ since: 20 }) },
      { as: 'fay', input: group({ since: 2_147_483_647 }), error: 'EPOCH_CHANGED' }, ...[{}, { since: -1 }, { since: 'x' }, { since: 2_147_483_648 }, { since: 1, limit: 201 }].map((bad): Case => ({ as: 'fay', input: group(bad), error: 'VALIDATION_FAILED' })),
      { as: 'zoe', input: group({ since: 1 }), error: 'CHAT_NOT_FOUND' }, { as: 'lex', input: group({ since: 1 }), error: 'CHAT_NOT_FOUND' },
    ],
  },
  ...ON_MESSAGES,
  ...ON_MEDIA,
  ...ON_REPORTS,
  ...ON_THREADS,
  ...ON_MEMBERS,
  ...ON_STREAMS,
  ...ON_PRESENCE,
  ...ON_LISTS,
  ...ON_SUPPORT,
  ...ON_USERS,
  ...ON_SEARCH,
  ...ON_CONSENT,
]
