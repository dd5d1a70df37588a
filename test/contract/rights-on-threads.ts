import { message, refuse } from './refusals.ts'
import type { Refusal, Rights } from './rights.ts'
import type { World } from './world.ts'

const inGroup = (threadRootId: string, { group }: World) => ({ chatId: group, content: 'hi', threadRootId })
const notThere = (...people: string[]): Refusal[] => message(({ group }) => ({ chatId: group, content: 'hi' }), threadRootId => ({ threadRootId })).filter(({ as }) => people.includes(as))

export const RIGHTS_ON_THREADS: Rights[] = [
  {
    route: 'POST /sessions/{chatId}/messages',
    command: 'send_message',
    rows: {
      threadRootId: [
        ...notThere('olga', 'bob', 'lee'), refuse('zoe', 'CHAT_NOT_FOUND', world => inGroup(world.late, world)), refuse('bob', 'MESSAGE_NOT_FOUND', world => inGroup(world.directOne, world)),
        refuse('bob', 'MESSAGE_NOT_FOUND', world => inGroup(world.deleted, world)), refuse('sid', 'SILENCED', world => inGroup(world.late, world)),
      ],
      mentions: (['bob', 'lee', 'sid'] as const).map(as => refuse(as, as === 'sid' ? 'SILENCED' : 'ROLE_REQUIRED', ({ group }) => ({ chatId: group, content: 'hi', mentions: { all: true } }))),
    },
  },
  {
    route: 'POST /messages',
    command: 'send_message',
    rows: {
      threadRootId: [
        refuse('bob', 'MESSAGE_NOT_FOUND', ({ id, late }) => ({ targetUserId: id('fay'), content: 'hi', threadRootId: late })), refuse('bob', 'MESSAGE_NOT_FOUND', ({ id, direct }) => ({ targetUserId: id('fay'), content: 'hi', threadRootId: `${direct}.9` })),
        refuse('zoe', 'MESSAGE_NOT_FOUND', ({ id, late }) => ({ targetUserId: id('vic'), content: 'hi', threadRootId: late })),
      ],
    },
  },
  { route: 'GET /messages/{messageId}/replies', command: 'get_thread', rows: { messageId: message() } },
]
