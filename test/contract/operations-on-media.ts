import { group, nothing } from './inputs.ts'
import type { Case, Operation } from './operations.ts'
import type { World } from './world.ts'

/** bob's, of the group, and not sent. */
const upload = async (world: World) => { world.file = await world.upload('bob', world.group) }
const file = (more: object = {}) => ({ group, file = nothing }: World) => ({ chatId: group, attachmentIds: [file], ...more })
const cases: Case[] = [
  { as: 'bob', input: file(), prepare: upload },
  { as: 'bob', input: file({ content: 'here', type: 'FILE', clientMessageId: 'key' }), prepare: upload },
  { as: 'bob', input: file(), error: 'MEDIA_NOT_FOUND' },
  { as: 'sid', input: file(), error: 'SILENCED' },
  { as: 'zoe', input: file(), error: 'CHAT_NOT_FOUND' },
  ...['TEXT', 'ENCRYPTED', 'SYSTEM'].map((type): Case => ({ as: 'bob', input: file({ type, content: 'x' }), error: 'VALIDATION_FAILED' })),
  ...[{ attachmentIds: [] }, { attachmentIds: ['x'] }, { attachmentIds: nothing }, { attachmentIds: [nothing, nothing] }, { attachmentIds: Array.from({ length: 11 }, (_, n) => `${nothing.slice(0, -2)}${10 + n}`) }]
    .map((bad): Case => ({ as: 'bob', input: group(bad), error: 'VALIDATION_FAILED' })),
]

/** Files in messages. How they come and go is not a matter of sockets. */
export const ON_MEDIA: Operation[] = [
  { route: 'POST /sessions/{chatId}/messages', command: 'send_message', cases },
  { route: 'POST /sessions/{chatId}/messages', command: 'send_media', cases },
]
