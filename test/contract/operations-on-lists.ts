import { badPage, direct, group, noChat } from './inputs.ts'
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
  { route: 'GET /sessions/{chatId}/stats', command: 'get_stats', cases: [{ as: 'bob', input: group() }, { as: 'lee', input: group() }, { as: 'ida', input: ({ blocked }) => ({ chatId: blocked }) }, { as: 'fay', input: direct() }, ...noChat] },
]
