import { direct, group, message, noMessage } from './inputs.ts'
import type { Case, Operation } from './operations.ts'
import { seqOf } from './refusals.ts'
import type { World } from './world.ts'

const reply = ({ call, group, late }: World) => call('fay', 'POST /sessions/{chatId}/messages', { chatId: group, content: 'in the thread', threadRootId: late, replyToId: late, clientMessageId: 'reply' })
const inThread = (more: object = {}) => ({ group, late }: World) => ({ chatId: group, content: 'hi', threadRootId: late, clientMessageId: 'key', ...more })
const badMentions: Case[] = [{ mentions: [] }, { mentions: { users: [] } }, { mentions: { userIds: 'fay' } }, { mentions: { userIds: [''] } }, { mentions: { userIds: Array(51).fill('fay') } }, { mentions: { all: 'yes' } }]
  .map(bad => ({ as: 'bob', input: group({ content: 'hi', ...bad }), error: 'VALIDATION_FAILED' }))

/** Threads, mentions, types. */
export const ON_THREADS: Operation[] = [
  {
    route: 'POST /sessions/{chatId}/messages',
    command: 'send_message',
    cases: [
      { as: 'bob', input: inThread(), prepare: reply }, { as: 'lee', input: ({ group, answer, late }) => ({ chatId: group, content: 'hi', threadRootId: answer, replyToId: late, clientMessageId: 'key' }) },
      { as: 'bob', input: ({ group, id }) => ({ chatId: group, content: 'hi', mentions: { userIds: [id('fay'), id('zoe'), 'nobody', id('fay')] }, clientMessageId: 'key' }) },
      { as: 'mona', input: group({ content: 'hi', mentions: { all: true }, clientMessageId: 'key' }) }, { as: 'fay', input: direct({ content: 'hi', mentions: { all: true, userIds: [] }, clientMessageId: 'key' }) },
      { as: 'bob', input: group({ content: 'b64:AAECAw==', type: 'ENCRYPTED', clientMessageId: 'key' }) },
      { as: 'bob', input: group({ content: 'hi', mentions: { all: true } }), error: 'ROLE_REQUIRED' }, { as: 'bob', input: ({ group, deleted }) => ({ chatId: group, content: 'hi', threadRootId: deleted }), error: 'MESSAGE_NOT_FOUND' },
      { as: 'bob', input: ({ group }) => ({ chatId: group, content: 'hi', threadRootId: `${group}.1` }), error: 'MESSAGE_NOT_FOUND' }, { as: 'bob', input: group({ content: 'hi', threadRootId: 'late' }), error: 'VALIDATION_FAILED' },
      ...['IMAGE', 'VIDEO', 'AUDIO', 'VOICE', 'FILE', 'SYSTEM', 'text'].map((type): Case => ({ as: 'bob', input: group({ content: 'hi', type }), error: 'VALIDATION_FAILED' })), ...badMentions,
    ],
  },
  {
    route: 'PATCH /messages/{messageId}',
    command: 'edit_message',
    cases: [
      { as: 'bob', input: ({ late, id }) => ({ messageId: late, content: 'late', mentions: { userIds: [id('fay'), 'nobody'] } }) }, { as: 'bob', input: message('late', { content: 'edited', mentions: {} }) },
      { as: 'bob', input: message('late', { content: 'edited', mentions: { all: true } }), error: 'ROLE_REQUIRED' }, { as: 'bob', input: message('late', { content: 'edited', mentions: { userIds: [1] } }), error: 'VALIDATION_FAILED' },
    ],
  },
  { route: 'DELETE /messages/{messageId}', command: 'delete_message', cases: [{ as: 'mona', input: ({ group, deleted }) => ({ messageId: `${group}.${seqOf(deleted) + 2}` }), prepare: reply }] },
  {
    route: 'GET /messages/{messageId}/replies',
    command: 'get_thread',
    cases: [
      { as: 'bob', input: message('late', { limit: 1 }), prepare: reply }, { as: 'lee', input: message('late', { after: 0 }), prepare: reply }, { as: 'bob', input: message('answer') }, { as: 'bob', input: message('deleted') },
      ...[{ before: 1, after: 1 }, { around: 1 }, { limit: 101 }, { before: -1 }].map((bad): Case => ({ as: 'bob', input: message('late', bad), error: 'VALIDATION_FAILED' })), ...noMessage(),
    ],
  },
  {
    route: 'GET /sessions/{chatId}/messages',
    command: 'get_history',
    cases: [{ as: 'bob', input: group({ hasAttachment: true }) }, { as: 'bob', input: group({ hasAttachment: false, type: 'TEXT' }) }, { as: 'bob', input: group({ hasAttachment: 'perhaps' }), error: 'VALIDATION_FAILED' }],
  },
]
