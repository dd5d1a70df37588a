// Inputs and typical errors that many operations share.
import type { Input } from '../helpers/wire.ts'
import type { Case } from './operations.ts'
import type { Person, World } from './world.ts'

export const nothing = '00000000-0000-7000-8000-000000000000'
export const group = (more: Input = {}) => (world: World): Input => ({ chatId: world.group, ...more })
export const direct = (more: Input = {}) => (world: World): Input => ({ chatId: world.direct, ...more })
export const message = (name: 'early' | 'late' | 'answer' | 'deleted' | 'directOne', more: Input = {}) => (world: World): Input => ({ messageId: world[name], ...more })
export const member = (userId: Person, more: Input = {}) => (world: World): Input => ({ chatId: world.group, userId: world.id(userId), ...more })
export const noChat: Case[] = [
  { as: 'zoe', input: group(), error: 'CHAT_NOT_FOUND' },
  { as: 'olga', input: () => ({ chatId: nothing }), error: 'CHAT_NOT_FOUND' },
  { as: 'olga', input: () => ({ chatId: 'friends' }), error: 'VALIDATION_FAILED' },
  { as: 'olga', input: group({ unknown: 1 }), error: 'VALIDATION_FAILED' },
]
export const noMessage = (more: Input = {}): Case[] => [
  { as: 'zoe', input: message('late', more), error: 'MESSAGE_NOT_FOUND' },
  { as: 'bob', input: ({ group }) => ({ messageId: `${group}.999`, ...more }), error: 'MESSAGE_NOT_FOUND' },
  { as: 'bob', input: () => ({ messageId: `${nothing}.1`, ...more }), error: 'MESSAGE_NOT_FOUND' },
  { as: 'bob', input: ({ group }) => ({ messageId: group, ...more }), error: 'VALIDATION_FAILED' },
]
export const badPage = (input: (world: World) => Input): Case[] => [{ limit: 0 }, { limit: 101 }, { limit: -1 }, { limit: 1.5 }, { limit: 'all' }, { cursor: 'not-ours' }]
  .map(bad => ({ as: 'bob', input: world => ({ ...input(world), ...bad }), error: 'VALIDATION_FAILED' }))
