import type { Input } from '../helpers/wire.ts'
import { chat, cursor, inGroup, message, refuse } from './refusals.ts'
import type { Rights } from './rights.ts'
import type { World } from './world.ts'

const emoji = () => ({ emoji: '👍' })
const late = (more: Input = {}) => (world: World): Input => ({ messageId: world.late, ...more })
const reacting: Rights['rows'] = {
  messageId: [...message(emoji), refuse('bob', 'CHAT_BLOCKED', ({ blocked }) => ({ messageId: `${blocked}.1`, emoji: '👍' })), refuse('ida', 'CHAT_BLOCKED', ({ blocked }) => ({ messageId: `${blocked}.1`, emoji: '👍' }))],
  role: [refuse('sid', 'SILENCED', late(emoji()))],
}
const pinning: Rights['rows'] = { messageId: message(), role: (['bob', 'fay', 'lee', 'sid'] as const).map(as => refuse(as, 'ROLE_REQUIRED', late())) }
const toDirect = ({ direct }: World) => ({ chatIds: [direct] })
const isRefused = (...codes: string[]) => ({ messages, failed }: Record<string, unknown>) =>
  JSON.stringify(messages) === '[]' && (failed as { code: string }[]).map(({ code }) => code).join() === codes.join()

export const RIGHTS_ON_MESSAGES: Rights[] = [
  { route: 'POST /messages/{messageId}/reactions', command: 'add_reaction', rows: reacting },
  { route: 'DELETE /messages/{messageId}/reactions', command: 'remove_reaction', rows: reacting },
  { route: 'DELETE /messages/{messageId}/reactions/{emoji}', rows: reacting },
  {
    route: 'GET /messages/{messageId}/reactions',
    command: 'get_reactions',
    rows: {
      messageId: message(),
      cursor: [
        refuse('zoe', 'MESSAGE_NOT_FOUND', late({ cursor: cursor({ at: '2026-01-01T00:00:00.000Z', userId: 'a', emoji: 'x' }) })), refuse('bob', 'VALIDATION_FAILED', late({ cursor: cursor({ at: 'now', userId: 'a', emoji: 'x' }) })),
      ],
    },
  },
  { route: 'POST /messages/{messageId}/pin', command: 'pin_message', rows: pinning },
  { route: 'DELETE /messages/{messageId}/pin', command: 'unpin_message', rows: pinning },
  {
    route: 'GET /sessions/{chatId}/pins',
    command: 'get_pins',
    rows: {
      chatId: chat(),
      cursor: [
        refuse('zoe', 'CHAT_NOT_FOUND', inGroup(() => ({ cursor: cursor({ at: '2099-01-01T00:00:00.000Z', seq: 1 }) }))), refuse('bob', 'VALIDATION_FAILED', inGroup(() => ({ cursor: cursor({ at: '2099-01-01T00:00:00.000Z', seq: -1 }) }))),
      ],
    },
  },
  {
    route: 'POST /messages/{messageId}/forward',
    command: 'forward_message',
    rows: {
      messageId: [...message(toDirect), refuse('ida', 'MESSAGE_NOT_FOUND', ({ also, blocked }) => ({ messageId: also, chatIds: [blocked] })), refuse('bob', 'MESSAGE_NOT_FOUND', ({ group, direct }) => ({ messageId: `${group}.1`, chatIds: [direct] }))],
      chatIds: [
        { as: 'bob', input: ({ late, hers, blocked, quiet, slow, dead }) => ({ messageId: late, chatIds: [hers, blocked, quiet, slow, dead] }), sees: isRefused('CHAT_NOT_FOUND', 'CHAT_BLOCKED', 'CHAT_READ_ONLY', 'SLOW_MODE', 'CHAT_NOT_FOUND') },
        { as: 'sid', input: ({ late, group }) => ({ messageId: late, chatIds: [group] }), sees: isRefused('SILENCED') },
        { as: 'zoe', input: ({ hersOne, group }) => ({ messageId: hersOne, chatIds: [group] }), sees: isRefused('CHAT_NOT_FOUND') },
      ],
    },
  },
]
