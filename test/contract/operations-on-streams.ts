import type { Operation } from './operations.ts'
import type { World } from './world.ts'

const live = (more: object = {}) => ({ stream }: World) => ({ chatId: stream, ...more })
const first = (more: object = {}) => ({ stream }: World) => ({ messageId: `${stream}.1`, ...more })

/** What is different in a STREAM: vic only looks at it, bob has spoken, olga owns it. */
export const ON_STREAMS: Operation[] = [
  {
    route: 'POST /sessions',
    command: 'create_chat',
    cases: [
      { as: 'bob', input: () => ({ type: 'STREAM', name: 'Mine', labels: { channel: 'one' }, settings: { slowModeSeconds: 5 } }) },
      { as: 'vic', input: ({ id }) => ({ type: 'STREAM', name: 'Of another name', externalRef: `live${id('olga')}` }) },
      { as: 'bob', input: () => ({ type: 'STREAM' }), error: 'VALIDATION_FAILED' }, { as: 'bob', input: () => ({ type: 'STREAM', name: 'With', participantIds: [] }), error: 'VALIDATION_FAILED' },
    ],
  },
  { route: 'GET /sessions', command: 'get_chats', cases: [{ as: 'vic', input: ({ id }) => ({ type: 'STREAM', q: `live${id('olga')}` }) }] },
  { route: 'GET /sessions/{chatId}', command: 'get_chat', cases: [{ as: 'vic', input: live() }, { as: 'bob', input: live() }, { as: 'rex', input: live(), error: 'CHAT_NOT_FOUND' }] },
  { route: 'GET /sessions/{chatId}/messages', command: 'get_history', cases: [{ as: 'vic', input: live() }, { as: 'rex', input: live(), error: 'CHAT_NOT_FOUND' }] },
  { route: 'GET /sessions/{chatId}/changes', command: 'changes', cases: [{ as: 'vic', input: live({ since: 0 }) }, { as: 'rex', input: live({ since: 0 }), error: 'CHAT_NOT_FOUND' }] },
  { route: 'GET /sessions/{chatId}/participants', command: 'get_participants', cases: [{ as: 'vic', input: live() }] },
  {
    route: 'POST /sessions/{chatId}/messages',
    command: 'send_message',
    cases: [{ as: 'vic', input: live({ content: 'hi' }) }, { as: 'bob', input: live({ content: 'hi' }) }, { as: 'rex', input: live({ content: 'hi' }), error: 'CHAT_NOT_FOUND' }],
  },
  { route: 'POST /sessions/{chatId}/read', command: 'mark_as_read', cases: [{ as: 'olga', input: live() }, { as: 'rex', input: live(), error: 'CHAT_NOT_FOUND' }] },
  {
    route: 'POST /messages/{messageId}/reactions',
    command: 'add_reaction',
    cases: [{ as: 'olga', input: first({ emoji: '👍' }) }, { as: 'vic', input: first({ emoji: '👍' }), error: 'NOT_IN_CHAT' }, { as: 'rex', input: first({ emoji: '👍' }), error: 'MESSAGE_NOT_FOUND' }],
  },
  { route: 'POST /messages/{messageId}/pin', command: 'pin_message', cases: [{ as: 'olga', input: first() }, { as: 'bob', input: first(), error: 'ROLE_REQUIRED' }, { as: 'vic', input: first(), error: 'NOT_IN_CHAT' }] },
  { route: 'PATCH /sessions/{chatId}', command: 'update_chat', cases: [{ as: 'olga', input: live({ name: 'Still live' }) }, { as: 'vic', input: live({ name: 'Mine' }), error: 'NOT_IN_CHAT' }] },
  { route: 'PATCH /sessions/{chatId}/me', command: 'update_membership', cases: [{ as: 'bob', input: live({ notifications: 'NONE' }) }, { as: 'vic', input: live({ notifications: 'NONE' }), error: 'NOT_IN_CHAT' }] },
]
