import type { Input } from '../helpers/wire.ts'
import { chat, cursor, NOTHING, refuse } from './refusals.ts'
import type { Refusal, Rights } from './rights.ts'

const key = { createdAt: '2120-01-01T00:00:00.000Z', chatId: NOTHING }
/** Whoever is no agent is a stranger to other people's questions; to what is no question so is an agent. */
const strangers = (more: Input = {}): Refusal[] => [
  ...chat(() => more), ...(['zoe', 'vic', 'fay', 'root', 'ida'] as const).flatMap(as => (['question', 'taken', 'closed'] as const).map(name => refuse(as, 'CHAT_NOT_FOUND', world => ({ chatId: world[name], ...more })))),
  ...(['group', 'direct', 'hers', 'dead'] as const).flatMap(name => (['gus', 'gwen'] as const).map(as => refuse(as, 'CHAT_NOT_FOUND', world => ({ chatId: world[name], ...more })))),
  refuse('gus', 'CHAT_NOT_FOUND', () => ({ chatId: NOTHING, ...more })),
]

export const RIGHTS_ON_SUPPORT: Rights[] = [
  {
    route: 'GET /support/sessions',
    command: 'get_support_chats',
    rows: {
      cursor: [
        { as: 'gus', input: () => ({ cursor: cursor(key) }), sees: ({ data }) => (data as unknown[]).length === 0 },
        refuse('gus', 'VALIDATION_FAILED', () => ({ cursor: cursor({ ...key, createdAt: 'now' }) })), refuse('bob', 'ROLE_REQUIRED', () => ({ cursor: cursor(key) })),
      ],
      role: (['bob', 'olga', 'root', 'vic'] as const).map(as => refuse(as, 'ROLE_REQUIRED', () => ({}))),
    },
  },
  {
    route: 'GET /support/sessions/{chatId}',
    command: 'get_support_chat',
    rows: {
      chatId: strangers().filter(({ as }) => as === 'gus' || as === 'gwen'),
      role: (['bob', 'zoe', 'root'] as const).flatMap(as => (['question', 'taken', 'group'] as const).map(name => refuse(as, 'ROLE_REQUIRED', world => ({ chatId: world[name] })))),
    },
  },
  {
    route: 'POST /sessions/{chatId}/take',
    command: 'take_chat',
    rows: {
      chatId: strangers({ join: true }),
      role: [refuse('bob', 'ROLE_REQUIRED', ({ question }) => ({ chatId: question })), refuse('bob', 'ROLE_REQUIRED', ({ group }) => ({ chatId: group })), refuse('gwen', 'CHAT_TAKEN', ({ taken }) => ({ chatId: taken }))],
    },
  },
  {
    route: 'POST /sessions/{chatId}/release',
    command: 'release_chat',
    rows: {
      chatId: [...strangers(), ...(['question', 'taken', 'closed'] as const).map(name => refuse('gwen', 'CHAT_NOT_FOUND', world => ({ chatId: world[name] })))],
      toUserId: [
        refuse('gus', 'USER_NOT_FOUND', ({ taken }) => ({ chatId: taken, toUserId: 'nobody' })), refuse('gus', 'TARGET_IS_SELF', ({ taken, id }) => ({ chatId: taken, toUserId: id('gus') })),
        refuse('gus', 'ROLE_REQUIRED', ({ taken, id }) => ({ chatId: taken, toUserId: id('bob') })), refuse('bob', 'ROLE_REQUIRED', ({ taken, id }) => ({ chatId: taken, toUserId: id('gwen') })),
        refuse('gwen', 'CHAT_NOT_FOUND', ({ taken, id }) => ({ chatId: taken, toUserId: id('gus') })),
      ],
      role: [refuse('bob', 'ROLE_REQUIRED', ({ taken }) => ({ chatId: taken })), refuse('bob', 'ROLE_REQUIRED', ({ group }) => ({ chatId: group }))],
    },
  },
  { route: 'POST /sessions/{chatId}/close', command: 'close_chat', rows: { chatId: strangers(), role: [refuse('bob', 'ROLE_REQUIRED', ({ group }) => ({ chatId: group }))] } },
  // Nor do agents see by other ways what they have not taken.
  ...([['GET /sessions/{chatId}', 'get_chat'], ['GET /sessions/{chatId}/messages', 'get_history'], ['GET /sessions/{chatId}/stats', 'get_stats'], ['GET /sessions/{chatId}/participants', 'get_participants']] as const)
    .map(([route, command]): Rights => ({ route, command, rows: { support: (['question', 'taken'] as const).map(name => refuse('gwen', 'CHAT_NOT_FOUND', world => ({ chatId: world[name] }))) } })),
]
