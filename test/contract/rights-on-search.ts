import { chat, cursor, inGroup, NOTHING, refuse } from './refusals.ts'
import type { Rights } from './rights.ts'
import type { World } from './world.ts'

const finds = (...contents: string[]) => (body: Record<string, unknown>) =>
  JSON.stringify((body.data as { message: { content: string } }[]).map(({ message }) => message.content)) === JSON.stringify(contents)
const ofOlga = ({ id }: World) => ({ q: 'early', senderId: id('olga') })
const position = { at: 4_000_000_000_000, chatId: NOTHING, seq: 1 }

export const RIGHTS_ON_SEARCH: Rights[] = [
  {
    route: 'GET /sessions/{chatId}/search',
    command: 'search',
    rows: {
      chatId: [...chat(() => ({ q: 'late' })), ...chat(() => ({ q: '?' }))],
      senderId: [{ as: 'bob', input: inGroup(ofOlga), sees: finds() }, { as: 'lee', input: inGroup(({ id }) => ({ q: 'of', senderId: id('lex') })), sees: finds() }],
      joinedLater: [{ as: 'lee', input: inGroup(() => ({ q: 'early' })), sees: finds() }, { as: 'lee', input: inGroup(() => ({ q: 'late' })), sees: finds('late') }, { as: 'bob', input: inGroup(() => ({ q: 'early' })), sees: finds('early') }],
      deleted: [{ as: 'olga', input: inGroup(() => ({ q: 'deleted' })), sees: finds() }],
      cursor: [
        { as: 'lee', input: inGroup(() => ({ q: 'l', cursor: cursor(position) })), sees: finds('late') },
        refuse('bob', 'VALIDATION_FAILED', inGroup(() => ({ q: 'l', cursor: cursor({ ...position, seq: -1 }) }))), refuse('bob', 'VALIDATION_FAILED', inGroup(() => ({ q: 'l', order: 'best', cursor: cursor(position) }))),
        refuse('zoe', 'CHAT_NOT_FOUND', inGroup(() => ({ q: 'l', cursor: cursor(position) }))),
      ],
    },
  },
  {
    route: 'GET /search',
    rows: {
      senderId: [{ as: 'ida', input: ({ id }) => ({ q: 'also', senderId: id('bob') }), sees: finds() }, { as: 'fay', input: ({ id }) => ({ q: 'also', senderId: id('bob') }), sees: finds('also') }],
      chats: [
        { as: 'vic', input: () => ({ q: 'late' }), sees: finds() }, { as: 'lex', input: () => ({ q: 'of lex' }), sees: finds() }, { as: 'rex', input: () => ({ q: 'of rex' }), sees: finds() },
        { as: 'bob', input: () => ({ q: 'dead' }), sees: finds() }, { as: 'olga', input: () => ({ q: 'hers' }), sees: finds() }, { as: 'ida', input: () => ({ q: 'also' }), sees: finds() },
      ],
      cursor: [refuse('bob', 'VALIDATION_FAILED', () => ({ q: 'l', cursor: cursor({ ...position, chatId: 'x' }) }))],
    },
  },
]
