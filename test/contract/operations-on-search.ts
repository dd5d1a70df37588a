import { badPage, direct, group, noChat } from './inputs.ts'
import type { Case, Operation } from './operations.ts'

const bad: Case[] = [{}, { q: '' }, { q: 'x'.repeat(513) }, { q: 'late', order: 'oldest' }, { q: 'late', type: 'LETTER' }, { q: 'late', from: 'yesterday' }, { q: 'late', page: 2 }]
  .map(input => ({ as: 'bob', input: group(input), error: 'VALIDATION_FAILED' }))

export const ON_SEARCH: Operation[] = [
  {
    route: 'GET /sessions/{chatId}/search',
    command: 'search',
    cases: [
      { as: 'fay', input: group({ q: 'l', limit: 1 }) }, { as: 'fay', input: group({ q: 'LATE', order: 'best', hasAttachment: false }) }, { as: 'lee', input: group({ q: 'early' }) }, { as: 'bob', input: direct({ q: '"hello"' }) },
      { as: 'fay', input: ({ group: chatId, id }) => ({ chatId, q: 'a', type: 'TEXT', senderId: id('bob'), from: '2020-01-01T00:00:00Z', to: '2120-01-01T00:00:00Z' }) },
      { as: 'fay', input: group({ q: '?!' }) }, { as: 'fay', input: group({ q: 'a', hasAttachment: true }) },
      ...bad, ...noChat.map(each => ({ ...each, input: (world: Parameters<NonNullable<Case['input']>>[0]) => ({ q: 'late', ...each.input?.(world) }) })), ...badPage(group({ q: 'late' })),
    ],
  },
  {
    route: 'GET /search',
    command: 'search',
    cases: [{ as: 'bob', input: () => ({ q: 'a', limit: 2 }) }, { as: 'ida', input: () => ({ q: 'also' }) }, { as: 'vic', input: () => ({ q: 'late' }) }, { as: 'fay', input: () => ({ q: 'answer', order: 'best' }) }, { as: 'bob', input: () => ({}), error: 'VALIDATION_FAILED' }],
  },
]
