import type { Input } from '../helpers/wire.ts'
import { badPage, nothing } from './inputs.ts'
import type { Case, Operation } from './operations.ts'
import type { World } from './world.ts'

const chat = (name: 'question' | 'taken' | 'closed' | 'group', more: Input = {}) => (world: World): Input => ({ chatId: world[name], ...more })
/** The queue is all worlds' on one server: the labels of a world of its own set it apart. */
const labelled = (more: Input = {}) => ({ id }: World): Input => ({ labels: { world: id('bob') }, ...more })
const label = (name: 'question' | 'taken' | 'closed', as: 'gwen' | 'gus') => async ({ call, id, [name]: chatId }: World) => {
  if (name === 'question') await call('gwen', 'POST /sessions/{chatId}/take', { chatId })
  await call(as, 'PATCH /sessions/{chatId}', { chatId, labels: { world: id('bob') } })
}
const noAgent: Case[] = [
  { as: 'zoe', input: chat('question'), error: 'CHAT_NOT_FOUND' }, { as: 'gus', input: chat('group'), error: 'CHAT_NOT_FOUND' }, { as: 'olga', input: chat('group'), error: 'ROLE_REQUIRED' },
  { as: 'gus', input: () => ({ chatId: nothing }), error: 'CHAT_NOT_FOUND' }, { as: 'gus', input: () => ({ chatId: 'help' }), error: 'VALIDATION_FAILED' }, { as: 'gus', input: chat('question', { unknown: 1 }), error: 'VALIDATION_FAILED' },
]

/** What users ask, and what agents do with it. */
export const ON_SUPPORT: Operation[] = [
  {
    support: true,
    route: 'POST /sessions',
    command: 'create_chat',
    cases: [
      { as: 'bob', input: () => ({ type: 'SUPPORT' }) }, { as: 'gus', input: () => ({ type: 'SUPPORT', name: 'Help', description: 'me', labels: { topic: 'a' }, metadata: { order: 7 }, clientChatId: 'ask' }) },
      { as: 'bob', input: () => ({ type: 'SUPPORT', participantIds: [] }), error: 'VALIDATION_FAILED' }, { as: 'bob', input: () => ({ type: 'SUPPORT', settings: {} }), error: 'VALIDATION_FAILED' },
    ],
  },
  {
    support: true,
    route: 'GET /support/sessions',
    command: 'get_support_chats',
    cases: [
      { as: 'gwen', input: labelled({ status: 'ASSIGNED' }), prepare: label('question', 'gwen'), changes: true }, { as: 'gus', input: labelled({ status: 'CLOSED', limit: 1 }), prepare: label('closed', 'gus'), changes: true },
      { as: 'gus', input: labelled() }, { as: 'gus', input: () => ({ status: 'LOST' }), error: 'VALIDATION_FAILED' }, { as: 'bob', error: 'ROLE_REQUIRED' }, { as: 'root', error: 'ROLE_REQUIRED' },
      ...badPage(() => ({})).map((row): Case => ({ ...row, as: 'gus' })),
    ],
  },
  {
    support: true,
    route: 'GET /support/sessions/{chatId}',
    command: 'get_support_chat',
    cases: [
      { as: 'gwen', input: chat('taken') }, { as: 'gus', input: chat('taken') }, { as: 'gus', input: chat('question') }, { as: 'gus', input: chat('group'), error: 'CHAT_NOT_FOUND' }, { as: 'bob', input: chat('question'), error: 'ROLE_REQUIRED' },
      { as: 'gus', input: () => ({ chatId: nothing }), error: 'CHAT_NOT_FOUND' }, { as: 'gus', input: () => ({ chatId: 'help' }), error: 'VALIDATION_FAILED' },
    ],
  },
  {
    support: true,
    route: 'POST /sessions/{chatId}/take',
    command: 'take_chat',
    cases: [
      { as: 'gus', input: chat('question') }, { as: 'gus', input: chat('taken') }, { as: 'gwen', input: chat('taken', { join: true }) }, { as: 'gwen', input: chat('closed') }, { as: 'gus', input: chat('closed') },
      { as: 'gwen', input: chat('taken'), error: 'CHAT_TAKEN' }, { as: 'bob', input: chat('question'), error: 'ROLE_REQUIRED' }, { as: 'gus', input: chat('question', { join: 'yes' }), error: 'VALIDATION_FAILED' }, ...noAgent,
    ],
  },
  {
    support: true,
    route: 'POST /sessions/{chatId}/release',
    command: 'release_chat',
    cases: [
      { as: 'gus', input: chat('taken') }, { as: 'gus', input: ({ taken, id }) => ({ chatId: taken, toUserId: id('gwen') }) }, { as: 'gus', input: chat('closed') },
      { as: 'gus', input: ({ taken, id }) => ({ chatId: taken, toUserId: id('gwen') }), prepare: ({ call, taken }) => call('gwen', 'POST /sessions/{chatId}/take', { chatId: taken, join: true }) },
      { as: 'gus', input: ({ taken, id }) => ({ chatId: taken, toUserId: id('gus') }), error: 'TARGET_IS_SELF' }, { as: 'gus', input: ({ taken, id }) => ({ chatId: taken, toUserId: id('bob') }), error: 'ROLE_REQUIRED' },
      { as: 'gwen', input: chat('taken'), error: 'CHAT_NOT_FOUND' }, { as: 'gus', input: chat('question'), error: 'CHAT_NOT_FOUND' }, { as: 'bob', input: chat('taken'), error: 'ROLE_REQUIRED' },
      { as: 'gus', input: chat('taken', { toUserId: '' }), error: 'VALIDATION_FAILED' }, ...noAgent,
    ],
  },
  {
    support: true,
    route: 'POST /sessions/{chatId}/close',
    command: 'close_chat',
    cases: [{ as: 'bob', input: chat('question') }, { as: 'gus', input: chat('taken') }, { as: 'gwen', input: chat('taken') }, { as: 'bob', input: chat('closed') }, ...noAgent],
  },
  {
    support: true,
    route: 'PATCH /sessions/{chatId}',
    command: 'update_chat',
    cases: [
      { as: 'gus', input: chat('taken', { name: 'Invoice', labels: { topic: 'billing' } }) }, { as: 'bob', input: chat('taken', { labels: {} }), error: 'ROLE_REQUIRED' }, { as: 'gwen', input: chat('taken', { labels: {} }), error: 'CHAT_NOT_FOUND' },
    ],
  },
  {
    support: true,
    route: 'POST /sessions/{chatId}/messages',
    command: 'send_message',
    cases: [{ as: 'bob', input: chat('closed', { content: 'still not' }) }, { as: 'gwen', input: chat('closed', { content: 'hi' }), error: 'CHAT_NOT_FOUND' }, { as: 'gwen', input: chat('question', { content: 'hi' }), error: 'CHAT_NOT_FOUND' }],
  },
]
