import { badPage, direct, group, message, noChat, noMessage } from './inputs.ts'
import type { Case, Operation } from './operations.ts'
import type { World } from './world.ts'

const react = (emoji: string) => ({ call, late }: World) => call('fay', 'POST /messages/{messageId}/reactions', { messageId: late, emoji })
const pin = ({ call, late }: World) => call('mona', 'POST /messages/{messageId}/pin', { messageId: late })
const noEmoji: Case[] = [{}, { emoji: '' }, { emoji: 'x'.repeat(33) }, { emoji: 'two words' }].map(bad => ({ as: 'bob', input: message('late', bad), error: 'VALIDATION_FAILED' }))
const cannotReact: Case[] = [
  { as: 'bob', input: message('deleted', { emoji: '👍' }), error: 'MESSAGE_DELETED' }, { as: 'sid', input: message('late', { emoji: '👍' }), error: 'SILENCED' },
  { as: 'bob', input: ({ blocked }) => ({ messageId: `${blocked}.1`, emoji: '👍' }), error: 'CHAT_BLOCKED' }, ...noMessage({ emoji: '👍' }),
]
const cannotPin: Case[] = [
  { as: 'bob', input: message('late'), error: 'ROLE_REQUIRED' }, { as: 'mona', input: message('deleted'), error: 'MESSAGE_DELETED' },
  { as: 'mona', input: message('late', { unknown: 1 }), error: 'VALIDATION_FAILED' }, ...noMessage(),
]

/** Reactions, pins, forwards. */
export const ON_MESSAGES: Operation[] = [
  {
    route: 'POST /messages/{messageId}/reactions',
    command: 'add_reaction',
    cases: [
      { as: 'bob', input: message('late', { emoji: '👍' }) }, { as: 'bob', input: message('answer', { emoji: '👩‍👩‍👧‍👦' }), prepare: react(':party:') }, { as: 'fay', input: message('late', { emoji: '👍' }), prepare: react('👍') },
      { as: 'ida', input: ({ also }) => ({ messageId: also, emoji: '👍' }), error: 'CHAT_BLOCKED' },
      ...noEmoji, ...cannotReact,
    ],
  },
  {
    route: 'DELETE /messages/{messageId}/reactions',
    command: 'remove_reaction',
    cases: [{ as: 'fay', input: message('late', { emoji: '👍' }), prepare: react('👍') }, { as: 'bob', input: message('late', { emoji: '👍' }), prepare: react('👍') }, ...noEmoji, ...cannotReact],
  },
  {
    route: 'DELETE /messages/{messageId}/reactions/{emoji}',
    command: 'remove_reaction',
    cases: [{ as: 'fay', input: message('late', { emoji: '👩‍👩‍👧‍👦' }), prepare: react('👩‍👩‍👧‍👦') }, { as: 'fay', input: message('late', { emoji: 'a/b' }), prepare: react('a/b') }, ...noEmoji.slice(2), ...cannotReact],
  },
  {
    route: 'GET /messages/{messageId}/reactions',
    command: 'get_reactions',
    cases: [{ as: 'bob', input: message('late', { limit: 1 }), prepare: react('👍') }, { as: 'bob', input: message('late') }, { as: 'bob', input: message('deleted') }, ...noMessage(), ...badPage(message('late'))],
  },
  { route: 'POST /messages/{messageId}/pin', command: 'pin_message', cases: [{ as: 'mona', input: message('late') }, { as: 'mona', input: message('late'), prepare: pin }, { as: 'fay', input: message('directOne') }, ...cannotPin] },
  { route: 'DELETE /messages/{messageId}/pin', command: 'unpin_message', cases: [{ as: 'olga', input: message('late'), prepare: pin }, { as: 'fay', input: message('directOne') }, ...cannotPin] },
  { route: 'GET /sessions/{chatId}/pins', command: 'get_pins', cases: [{ as: 'lee', input: group(), prepare: pin }, { as: 'bob', input: direct({ limit: 1 }) }, ...noChat, ...badPage(group())] },
  {
    route: 'POST /messages/{messageId}/forward',
    command: 'forward_message',
    cases: [
      { as: 'bob', input: ({ late, direct, slow, quiet, blocked, hers, group }) => ({ messageId: late, chatIds: [direct, slow, quiet, blocked, hers, group], clientMessageId: 'key' }) },
      { as: 'fay', input: ({ answer, direct }) => ({ messageId: answer, chatIds: [direct], clientMessageId: 'answer' }) },
      { as: 'bob', input: ({ deleted, direct }) => ({ messageId: deleted, chatIds: [direct] }), error: 'MESSAGE_DELETED' },
      { as: 'bob', input: ({ group, direct }) => ({ messageId: `${group}.1`, chatIds: [direct] }), error: 'MESSAGE_NOT_FOUND' },
      ...[{}, { chatIds: [] }, { chatIds: ['friends'] }].map((bad): Case => ({ as: 'bob', input: message('late', bad), error: 'VALIDATION_FAILED' })),
      { as: 'bob', input: ({ late, direct }) => ({ messageId: late, chatIds: [direct, direct] }), error: 'VALIDATION_FAILED' },
      { as: 'zoe', input: ({ late, hers }) => ({ messageId: late, chatIds: [hers] }), error: 'MESSAGE_NOT_FOUND' },
    ],
  },
]
