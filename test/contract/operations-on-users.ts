import type { Operation } from './operations.ts'

const settings = { requests: 'ACCEPT', groupInvites: 'ASK', privateReading: true, hideLastSeen: true }

/** Me and my settings. */
export const ON_USERS: Operation[] = [
  { route: 'GET /me', command: 'get_me', cases: [{ as: 'bob' }, { as: 'vic' }, { as: 'bob', input: () => ({ unknown: 1 }), error: 'VALIDATION_FAILED' }] },
  {
    route: 'PATCH /me',
    command: 'update_me',
    cases: [
      { as: 'bob', input: () => ({ settings }) }, { as: 'bob', input: () => ({ settings: {} }) }, { as: 'bob', input: () => ({ displayName: 'Bob', avatarUrl: 'https://example.com/b.png', settings }) },
      { as: 'bob', input: () => ({ displayName: null }), prepare: ({ call }) => call('bob', 'PATCH /me', { displayName: 'Bob' }) },
      ...[{}, { settings: null }, { settings: { unknown: 1 } }, { settings: { requests: 'BLOCKED' } }, { settings: { privateReading: 'yes' } }, { displayName: '' }, { displayName: 'x'.repeat(257) }, { avatarUrl: 'x'.repeat(2049) }, { id: 'fay' }, { metadata: {} }]
        .map(bad => ({ as: 'bob' as const, input: () => bad, error: 'VALIDATION_FAILED' as const })),
    ],
  },
]
