import { chat, cursor, NOTHING, refuse } from './refusals.ts'
import type { Refusal, Rights } from './rights.ts'

const ofNoOne = { joinedAt: '2120-01-01T00:00:00.000Z', chatId: NOTHING }
/** What former members learn: that they were there. */
const isBlank: Refusal['sees'] = (body, { group }) => (body.data as { chatId: string, chat: unknown, messageCount: unknown, lastMessageAt: unknown }[])
  .some(({ chatId, chat, messageCount, lastMessageAt }) => chatId === group && chat === null && messageCount === null && lastMessageAt === null)

export const RIGHTS_ON_LISTS: Rights[] = [
  {
    route: 'GET /users/{userId}/sessions',
    command: 'get_user_chats',
    rows: {
      userId: [
        ...([['zoe', 'bob'], ['fay', 'bob'], ['olga', 'bob'], ['gus', 'bob'], ['ida', 'bob']] as const).map(([as, other]) => refuse(as, 'USER_NOT_FOUND', ({ id }) => ({ userId: id(other) }))),
        refuse('bob', 'USER_NOT_FOUND', () => ({ userId: 'nobody' })), refuse('root', 'USER_NOT_FOUND', () => ({ userId: 'nobody' })),
        { as: 'lex', input: ({ id }) => ({ userId: id('lex') }), sees: isBlank }, { as: 'rex', input: ({ id }) => ({ userId: id('rex') }), sees: isBlank },
      ],
      cursor: [
        { as: 'vic', input: ({ id }) => ({ userId: id('vic'), cursor: cursor(ofNoOne) }), sees: ({ data }) => (data as unknown[]).length === 0 },
        refuse('zoe', 'USER_NOT_FOUND', ({ id }) => ({ userId: id('bob'), cursor: cursor(ofNoOne) })), refuse('bob', 'VALIDATION_FAILED', ({ id }) => ({ userId: id('bob'), cursor: cursor({ ...ofNoOne, joinedAt: 'now' }) })),
      ],
    },
  },
  {
    route: 'GET /sessions/{chatId}/stats',
    command: 'get_stats',
    rows: { chatId: [...chat(), { as: 'ida', input: ({ blocked }) => ({ chatId: blocked }), sees: (body, { id }) => !JSON.stringify(body).includes(id('bob')) }] },
  },
]
