import type { CommandName } from '../../src/contract.ts'
import type { ErrorCode } from '../../src/errors.ts'
import type { Input } from '../helpers/wire.ts'
import { acquaintance, chat, cursor, inGroup, message, NOTHING, participant, refuse, seqOf } from './refusals.ts'
import { RECEIPT_CURSORS } from './rights-on-receipts.ts'
import { RIGHTS_ON_ADMINISTRATION } from './rights-on-administration.ts'
import { RIGHTS_ON_LISTS } from './rights-on-lists.ts'
import { RIGHTS_ON_MEDIA } from './rights-on-media.ts'
import { RIGHTS_ON_CONSENT } from './rights-on-consent.ts'
import { RIGHTS_ON_MEMBERS } from './rights-on-members.ts'
import { RIGHTS_ON_MESSAGES } from './rights-on-messages.ts'
import { RIGHTS_ON_THREADS } from './rights-on-threads.ts'
import { RIGHTS_ON_SEARCH } from './rights-on-search.ts'
import { RIGHTS_ON_RECOVERY } from './rights-on-recovery.ts'
import { RIGHTS_ON_SUPPORT } from './rights-on-support.ts'
import { RIGHTS_ON_REPORTS } from './rights-on-reports.ts'
import type { Person, World } from './world.ts'

/** What somebody may not do or see, for each identifier that an operation takes, and by their role. */
export interface Rights {
  /** The same by both, where it has both. */
  route?: string
  command?: CommandName
  rows: Record<string, Refusal[]>
}

export interface Refusal {
  as: Person
  input: (world: World) => Input
  error?: ErrorCode
  /** Instead of an error: whether the answer holds nothing that they may not see. */
  sees?: (body: Record<string, unknown>, world: World) => boolean
}

const isEmpty = (body: Record<string, unknown>) => Array.isArray(body.data) && body.data.length === 0
/** There are messages, and none from before lee's time. */
const aboveBound = (list: string) => (body: Record<string, unknown>, { rexs }: World) => {
  const seqs = (body[list] as { seq: number }[]).map(({ seq }) => seq)
  return seqs.length > 0 && [...seqs, ...Object.keys(body.related as object).map(seqOf)].every(seq => seq > seqOf(rexs))
}
const history: Rights['rows'] = {
  chatId: [...chat(), ...chat(() => ({ before: 5 })), ...chat(() => ({ after: 1 })), ...chat(() => ({ around: 3, senderId: 'nobody' }))],
  senderId: [{ as: 'bob', input: inGroup(({ id }) => ({ senderId: id('zoe') })), sees: isEmpty }, { as: 'lee', input: inGroup(({ id }) => ({ senderId: id('lex') })), sees: isEmpty }],
  joinedLater: [
    { as: 'lee', input: inGroup(() => ({ before: 999 })), sees: aboveBound('data') }, { as: 'lee', input: inGroup(({ early }) => ({ around: seqOf(early) })), sees: aboveBound('data') },
    { as: 'lee', input: inGroup(() => ({ before: 4 })), sees: isEmpty },
  ],
}
const marks: Rights['rows'] = {
  chatId: chat(),
  messageIds: [
    ...message(({ group }) => ({ chatId: group }), messageId => ({ messageIds: [messageId] })).filter(({ as }) => as === 'olga' || as === 'bob'),
    refuse('zoe', 'CHAT_NOT_FOUND', inGroup(({ late }) => ({ messageIds: [late] }))),
    refuse('lex', 'CHAT_NOT_FOUND', inGroup(({ lexs }) => ({ messageIds: [lexs] }))),
    refuse('lee', 'MESSAGE_NOT_FOUND', inGroup(({ early }) => ({ messageIds: [early] }))),
  ],
}

export const RIGHTS: Rights[] = [
  {
    route: 'POST /sessions',
    command: 'create_chat',
    rows: {
      targetUserId: [
        refuse('olga', 'CHAT_BLOCKED', ({ id }) => ({ type: 'DIRECT', targetUserId: id('ida') })), refuse('ida', 'CHAT_BLOCKED', ({ id }) => ({ type: 'DIRECT', targetUserId: id('olga') })),
        refuse('olga', 'USER_NOT_FOUND', () => ({ type: 'DIRECT', targetUserId: 'nobody' })), refuse('olga', 'TARGET_IS_SELF', ({ id }) => ({ type: 'DIRECT', targetUserId: id('olga') })),
      ],
      participantIds: [
        refuse('olga', 'CHAT_BLOCKED', ({ id }) => ({ type: 'GROUP', name: 'New', participantIds: [id('bob'), id('ida')] })),
        refuse('olga', 'USER_NOT_FOUND', ({ id }) => ({ type: 'GROUP', name: 'New', participantIds: [id('bob'), 'nobody'] })),
      ],
      externalRef: [refuse('olga', 'EXTERNAL_REF_TAKEN', ({ id }) => ({ type: 'GROUP', name: 'Hers', participantIds: [], externalRef: id('zoe').replace('zoe', 'hers') }))],
    },
  },
  {
    route: 'GET /sessions',
    command: 'get_chats',
    rows: {
      cursor: [
        { as: 'vic', input: () => ({ cursor: cursor({ pinned: true, activeAt: '2120-01-01T00:00:00.000Z', chatId: NOTHING }) }), sees: isEmpty },
        refuse('bob', 'VALIDATION_FAILED', () => ({ cursor: cursor({ pinned: 'no', activeAt: 'now', chatId: NOTHING }) })),
      ],
    },
  },
  { route: 'GET /sessions/{chatId}', command: 'get_chat', rows: { chatId: chat() } },
  ...['PATCH', 'PUT'].map((method): Rights => ({
    route: `${method} /sessions/{chatId}`,
    command: 'update_chat',
    rows: {
      chatId: chat(() => ({ name: 'Mine' })),
      role: [...(['mona', 'bob', 'lee'] as const).map(as => refuse(as, 'ROLE_REQUIRED', inGroup(() => ({ name: 'Mine' })))), refuse('bob', 'ROLE_REQUIRED', ({ direct }) => ({ chatId: direct, name: 'Mine' }))],
    },
  })),
  {
    route: 'DELETE /sessions/{chatId}',
    command: 'delete_chat',
    rows: {
      chatId: [...chat(), ...chat(() => ({ scope: 'everyone' }))],
      role: [...(['adam', 'mona', 'bob'] as const).map(as => refuse(as, 'ROLE_REQUIRED', inGroup(() => ({ scope: 'everyone' })))), refuse('bob', 'ROLE_REQUIRED', ({ direct }) => ({ chatId: direct, scope: 'everyone' }))],
    },
  },
  { command: 'leave_membership', rows: { chatId: chat() } },
  { route: 'POST /sessions/{chatId}/clear', command: 'clear_chat', rows: { chatId: chat() } },
  {
    route: 'GET /sessions/{chatId}/participants',
    command: 'get_participants',
    rows: {
      chatId: chat(),
      cursor: [refuse('zoe', 'CHAT_NOT_FOUND', inGroup(() => ({ cursor: cursor({ joinRevision: 0 }) }))), refuse('bob', 'VALIDATION_FAILED', inGroup(() => ({ cursor: cursor({ joinRevision: -1 }) })))],
    },
  },
  {
    route: 'POST /sessions/{chatId}/participants',
    command: 'add_participants',
    rows: {
      chatId: chat(({ id }) => ({ userIds: [id('vic')] })),
      userIds: [refuse('olga', 'CHAT_BLOCKED', inGroup(({ id }) => ({ userIds: [id('vic'), id('ida')] }))), refuse('olga', 'USER_NOT_FOUND', inGroup(({ id }) => ({ userIds: [id('vic'), 'nobody'] })))],
      role: [
        ...(['mona', 'bob'] as const).map(as => refuse(as, 'ROLE_REQUIRED', inGroup(({ id }) => ({ userIds: [id('vic')] })))),
        refuse('adam', 'ROLE_REQUIRED', inGroup(({ id }) => ({ userIds: [id('vic')], role: 'OWNER' }))), refuse('bob', 'ROLE_REQUIRED', ({ direct, id }) => ({ chatId: direct, userIds: [id('vic')] })),
      ],
    },
  },
  {
    route: 'PATCH /sessions/{chatId}/participants/{userId}',
    command: 'update_participant',
    rows: {
      chatId: chat(({ id }) => ({ userId: id('bob'), label: 'VIP' })),
      userId: participant({ role: 'ADMIN' }),
      role: [
        ...(['mona', 'bob'] as const).map(as => refuse(as, 'ROLE_REQUIRED', inGroup(({ id }) => ({ userId: id(as), role: 'OWNER' })))),
        refuse('adam', 'ROLE_REQUIRED', inGroup(({ id }) => ({ userId: id('olga'), role: 'MEMBER' }))), refuse('adam', 'ROLE_REQUIRED', inGroup(({ id }) => ({ userId: id('adam'), role: 'OWNER' }))),
        refuse('olga', 'LAST_OWNER', inGroup(({ id }) => ({ userId: id('olga'), role: 'MEMBER' }))),
      ],
    },
  },
  {
    route: 'DELETE /sessions/{chatId}/participants/{userId}',
    command: 'remove_participant',
    rows: {
      chatId: [...chat(({ id }) => ({ userId: id('bob') })), ...(['zoe', 'lex', 'rex'] as const).map(as => refuse(as, 'CHAT_NOT_FOUND', inGroup(({ id }) => ({ userId: id(as) }))))],
      userId: participant({}),
      role: [
        ...(['mona', 'fay'] as const).map(as => refuse(as, 'ROLE_REQUIRED', inGroup(({ id }) => ({ userId: id('bob') })))), refuse('adam', 'ROLE_REQUIRED', inGroup(({ id }) => ({ userId: id('olga') }))),
        refuse('bob', 'ROLE_REQUIRED', ({ direct, id }) => ({ chatId: direct, userId: id('fay') })),
      ],
    },
  },
  {
    route: 'POST /sessions/{chatId}/messages',
    command: 'send_message',
    rows: {
      chatId: [...chat(() => ({ content: 'hi' })), refuse('bob', 'CHAT_BLOCKED', ({ blocked }) => ({ chatId: blocked, content: 'hi' })), refuse('ida', 'CHAT_BLOCKED', ({ blocked }) => ({ chatId: blocked, content: 'hi' }))],
      replyToId: [
        ...message(({ group }) => ({ chatId: group, content: 'hi' }), replyToId => ({ replyToId })).filter(({ as }) => ['olga', 'bob', 'lee'].includes(as)),
        refuse('bob', 'MESSAGE_NOT_FOUND', inGroup(({ directOne }) => ({ content: 'hi', replyToId: directOne }))), refuse('bob', 'MESSAGE_NOT_FOUND', inGroup(({ deleted }) => ({ content: 'hi', replyToId: deleted }))),
      ],
      role: [refuse('bob', 'CHAT_READ_ONLY', ({ quiet }) => ({ chatId: quiet, content: 'hi' })), refuse('sid', 'SILENCED', inGroup(() => ({ content: 'hi' }))), refuse('bob', 'SLOW_MODE', ({ slow }) => ({ chatId: slow, content: 'hi' }))],
    },
  },
  {
    route: 'POST /messages',
    command: 'send_message',
    rows: {
      targetUserId: [
        refuse('olga', 'CHAT_BLOCKED', ({ id }) => ({ targetUserId: id('ida'), content: 'hi' })), refuse('bob', 'CHAT_BLOCKED', ({ id }) => ({ targetUserId: id('ida'), content: 'hi' })),
        refuse('olga', 'USER_NOT_FOUND', () => ({ targetUserId: 'nobody', content: 'hi' })), refuse('olga', 'TARGET_IS_SELF', ({ id }) => ({ targetUserId: id('olga'), content: 'hi' })),
      ],
      replyToId: [
        refuse('bob', 'MESSAGE_NOT_FOUND', ({ id, late }) => ({ targetUserId: id('fay'), content: 'hi', replyToId: late })), refuse('bob', 'MESSAGE_NOT_FOUND', ({ id, direct }) => ({ targetUserId: id('fay'), content: 'hi', replyToId: `${direct}.9` })),
        refuse('zoe', 'MESSAGE_NOT_FOUND', ({ id, late }) => ({ targetUserId: id('vic'), content: 'hi', replyToId: late })),
      ],
    },
  },
  { route: 'GET /sessions/{chatId}/messages', command: 'get_history', rows: history },
  { route: 'GET /messages/{messageId}', command: 'get_messages', rows: { messageId: message() } },
  { command: 'get_messages', rows: history },
  ...['PUT', 'PATCH'].map((method): Rights => ({
    route: `${method} /messages/{messageId}`,
    command: 'edit_message',
    rows: {
      messageId: message(() => ({ content: 'edited' })),
      role: [...(['olga', 'mona', 'fay', 'lee'] as const).map(as => refuse(as, 'NOT_YOURS', ({ late }) => ({ messageId: late, content: 'edited' }))), refuse('olga', 'NOT_YOURS', ({ group }) => ({ messageId: `${group}.1`, content: 'edited' }))],
    },
  })),
  {
    route: 'DELETE /messages/{messageId}',
    command: 'delete_message',
    rows: {
      messageId: [...message(), ...message(() => ({ scope: 'everyone' })), ...message(() => ({ scope: 'me' }))],
      role: (['fay', 'sid', 'lee'] as const).flatMap(as => [{}, { scope: 'everyone' }].map(scope => refuse(as, 'ROLE_REQUIRED', ({ late }) => ({ messageId: late, ...scope })))),
    },
  },
  { route: 'GET /messages/{messageId}/edits', command: 'get_edits', rows: { messageId: message() } },
  { route: 'POST /sessions/{chatId}/read', command: 'mark_as_read', rows: marks },
  { route: 'POST /sessions/{chatId}/delivered', command: 'mark_as_delivered', rows: marks },
  { route: 'GET /sessions/{chatId}/unread', command: 'get_unread', rows: { chatId: chat() } },
  { route: 'GET /unread', rows: {} },
  { route: 'GET /messages/{messageId}/receipts', command: 'get_receipts', rows: { messageId: message(), cursor: RECEIPT_CURSORS } },
  { route: 'GET /blocks', command: 'get_blocks', rows: {} },
  { route: 'PUT /blocks/{userId}', command: 'block_user', rows: { userId: [refuse('bob', 'USER_NOT_FOUND', () => ({ userId: 'nobody' })), refuse('bob', 'TARGET_IS_SELF', ({ id }) => ({ userId: id('bob') }))] } },
  {
    route: 'DELETE /blocks/{userId}',
    command: 'unblock_user',
    rows: { userId: [refuse('bob', 'TARGET_IS_SELF', ({ id }) => ({ userId: id('bob') })), { as: 'bob', input: ({ id }) => ({ userId: id('ida') }), sees: ({ blocked }) => blocked === false }] },
  },
  ...(['block', 'unblock'] as const).map((name): Rights => ({
    route: `POST /sessions/{chatId}/${name}`, command: `${name}_user`, rows: { chatId: [...chat(), refuse('olga', 'VALIDATION_FAILED', inGroup(() => ({})))] },
  })),
  {
    route: 'POST /sync',
    command: 'sync',
    rows: {
      cursor: [
        refuse('bob', 'EPOCH_CHANGED', () => ({ cursor: cursor({ since: 0, upTo: 1, after: NOTHING, epoch: 'another', reset: false }) })),
        refuse('bob', 'VALIDATION_FAILED', () => ({ cursor: cursor({ since: 0, upTo: 1, after: 'all', epoch: 'another', reset: false }) })),
        { as: 'vic', input: ({ epoch }) => ({ cursor: cursor({ since: 0, upTo: 99, after: NOTHING, epoch, reset: true }) }), sees: ({ heads, memberships }) => JSON.stringify([heads, memberships]) === '[[],[]]' },
      ],
    },
  },
  {
    route: 'GET /sessions/{chatId}/changes',
    command: 'changes',
    rows: {
      chatId: [...chat(() => ({ since: 0 })), ...chat(() => ({ since: 5 }))],
      joinedLater: [0, 1, 10].map(since => ({ as: 'lee', input: inGroup(() => ({ since })), sees: aboveBound('messages') })),
    },
  },
  { route: 'GET /me', command: 'get_me', rows: {} },
  { route: 'PATCH /me', command: 'update_me', rows: { id: [refuse('bob', 'VALIDATION_FAILED', ({ id }) => ({ id: id('fay'), settings: {} }))] } },
  { route: 'GET /users/{userId}', rows: { userId: acquaintance(userId => ({ userId }), { error: 'USER_NOT_FOUND' }) } },
  {
    route: 'GET /users/{userId}/presence',
    rows: { userId: [...acquaintance(userId => ({ userId }), { error: 'USER_NOT_FOUND' }), refuse('bob', 'USER_NOT_FOUND', ({ id }) => ({ userId: id('ida') })), refuse('ida', 'USER_NOT_FOUND', ({ id }) => ({ userId: id('bob') }))] },
  },
  { route: 'POST /presence/query', command: 'get_presence', rows: { userIds: acquaintance(userId => ({ userIds: [userId] }), { sees: isEmpty }) } },
  { command: 'authenticate', rows: {} },
  { command: 'ping', rows: {} },
  { command: 'join_chat', rows: { chatId: chat() } },
  { command: 'leave_chat', rows: { chatId: [...chat(), refuse('bob', 'NOT_IN_CHAT', inGroup(() => ({})))] } },
  { route: 'GET /sessions/{chatId}/online', command: 'get_online_users', rows: { chatId: chat() } },
  { route: 'GET /presence/online', rows: {} },
  { route: 'PUT /presence', command: 'presence_update', rows: {} },
  { command: 'user_online', rows: {} },
  { command: 'user_offline', rows: {} },
  { command: 'typing_start', rows: { chatId: chat() } },
  { command: 'typing_stop', rows: { chatId: chat() } },
  { command: 'typing_indicator', rows: { chatId: chat(() => ({ isTyping: true })) } },
  ...RIGHTS_ON_MESSAGES,
  ...RIGHTS_ON_MEDIA,
  ...RIGHTS_ON_RECOVERY,
  ...RIGHTS_ON_REPORTS,
  ...RIGHTS_ON_ADMINISTRATION,
  ...RIGHTS_ON_THREADS,
  ...RIGHTS_ON_MEMBERS,
  ...RIGHTS_ON_LISTS,
  ...RIGHTS_ON_SEARCH,
  ...RIGHTS_ON_SUPPORT,
  ...RIGHTS_ON_CONSENT,
]
