import { badPage, direct, group, member, noChat } from './inputs.ts'
import type { Case, Operation } from './operations.ts'

const labelled = ({ call, group }: Parameters<NonNullable<Case['prepare']>>[0]) => call('olga', 'PATCH /sessions/{chatId}', { chatId: group, labels: { call: '7', 'stream channel': 'a&b=ü' } })

/** Chats by labels and names, what a user has had, and what a chat says of itself in numbers. */
export const ON_LISTS: Operation[] = [
  {
    route: 'GET /sessions',
    command: 'get_chats',
    cases: [
      { as: 'bob', input: () => ({ labels: { call: '7', 'stream channel': 'a&b=ü' } }), prepare: labelled, changes: true }, { as: 'bob', input: () => ({ labels: { call: '8' } }) },
      { as: 'bob', input: () => ({ labels: { call: '7' }, q: 'FRIÉ', type: 'GROUP', state: 'active' }), prepare: labelled, changes: true },
      { as: 'bob', input: () => ({ q: 'fay' }) }, { as: 'bob', input: () => ({ q: '%' }) },
      ...[{ q: '' }, { q: 'x'.repeat(257) }, { labels: { '': 'x' } }, { labels: { a: 'x'.repeat(257) } }].map((bad): Case => ({ as: 'bob', input: () => bad, error: 'VALIDATION_FAILED' })),
    ],
  },
  {
    route: 'GET /users/{userId}/sessions',
    command: 'get_user_chats',
    cases: [
      { as: 'bob', input: ({ id }) => ({ userId: id('bob') }) }, { as: 'lex', input: ({ id }) => ({ userId: id('lex'), includeArchived: true, limit: 1 }) },
      { as: 'bob', input: ({ id }) => ({ userId: id('bob'), includeArchived: true }), prepare: ({ call, group }) => call('bob', 'POST /sessions/{chatId}/archive', { chatId: group }), changes: true },
      { as: 'root', input: ({ id }) => ({ userId: id('lex') }) }, { as: 'root', input: () => ({ userId: 'nobody' }), error: 'USER_NOT_FOUND' },
      { as: 'bob', input: ({ id }) => ({ userId: id('fay') }), error: 'USER_NOT_FOUND' }, { as: 'gus', input: ({ id }) => ({ userId: id('fay') }), error: 'USER_NOT_FOUND' },
      { as: 'bob', input: ({ id }) => ({ userId: id('bob'), includeArchived: 'perhaps' }), error: 'VALIDATION_FAILED' }, ...badPage(({ id }) => ({ userId: id('bob') })),
    ],
  },
  {
    route: 'PATCH /sessions/{chatId}',
    command: 'update_chat',
    cases: [
      { as: 'bob', input: direct({ labels: { call: '7' }, metadata: { a: 1 }, settings: { retentionDays: 7 } }) }, { as: 'bob', input: direct({ labels: {}, settings: { slowModeSeconds: 1 } }), error: 'ROLE_REQUIRED' },
      { as: 'bob', input: ({ blocked }) => ({ chatId: blocked, labels: {} }), error: 'CHAT_BLOCKED' },
    ],
  },
  {
    route: 'PATCH /sessions/{chatId}/participants/{userId}',
    command: 'update_participant',
    cases: [
      { as: 'olga', input: member('bob', { role: 'OWNER', transfer: true }) }, { as: 'adam', input: member('bob', { role: 'OWNER', transfer: true }), error: 'ROLE_REQUIRED' },
      { as: 'olga', input: member('bob', { role: 'ADMIN', transfer: true }), error: 'VALIDATION_FAILED' }, { as: 'olga', input: member('olga', { role: 'OWNER', transfer: true }), error: 'TARGET_IS_SELF' },
    ],
  },
  {
    route: 'POST /sessions',
    command: 'create_chat',
    cases: [
      { as: 'bob', input: ({ id }) => ({ type: 'GROUP', name: 'Live', participantIds: [id('fay')], participantLabels: { [id('bob')]: 'STREAMER', [id('fay')]: 'USER' } }) },
      { as: 'bob', input: ({ id }) => ({ type: 'DIRECT', targetUserId: id('zoe'), participantLabels: { [id('zoe')]: 'STREAMER' } }) },
      { as: 'bob', input: () => ({ type: 'GROUP', name: 'Live', participantIds: [], participantLabels: { bob: 1 } }), error: 'VALIDATION_FAILED' },
    ],
  },
  { route: 'GET /sessions/{chatId}/stats', command: 'get_stats', cases: [{ as: 'bob', input: group() }, { as: 'lee', input: group() }, { as: 'ida', input: ({ blocked }) => ({ chatId: blocked }) }, { as: 'fay', input: direct() }, ...noChat] },
]
