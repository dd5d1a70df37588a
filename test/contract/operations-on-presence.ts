import { direct, noChat } from './inputs.ts'
import type { Case, Operation } from './operations.ts'

/** What I say of myself; who is online. */
export const ON_PRESENCE: Operation[] = [
  {
    route: 'PUT /presence',
    command: 'presence_update',
    cases: [
      ...[{ status: 'AWAY' }, { status: 'BUSY', statusText: 'in a meeting' }, { status: 'ONLINE', statusText: null }, { status: 'INVISIBLE', statusText: '' }].map((input): Case => ({ as: 'bob', input: () => input })),
      ...[{}, { status: 'OFFLINE' }, { status: 'away' }, { status: null }, { status: 'AWAY', statusText: 'x'.repeat(257) }, { status: 'AWAY', userId: 'fay' }].map((input): Case => ({ as: 'bob', input: () => input, error: 'VALIDATION_FAILED' })),
    ],
  },
  {
    route: 'POST /presence/query',
    command: 'get_presence',
    cases: [
      { as: 'bob', input: ({ id }) => ({ userIds: [id('fay'), id('bob'), id('zoe')] }) }, { as: 'zoe', input: ({ id }) => ({ userIds: [id('bob')] }) },
      ...[{}, { userIds: [] }, { userIds: 'bob' }, { userIds: Array.from({ length: 101 }, (_, n) => `${n}`) }].map((input): Case => ({ as: 'bob', input: () => input, error: 'VALIDATION_FAILED' })),
    ],
  },
  { route: 'GET /sessions/{chatId}/online', command: 'get_online_users', cases: [{ as: 'bob', input: direct() }, ...noChat] },
  { route: 'GET /presence/online', command: 'get_online_users', cases: [{ as: 'vic' }, { as: 'vic', input: () => ({ limit: 1 }), error: 'VALIDATION_FAILED' }] },
]
