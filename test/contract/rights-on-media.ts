import type { Input } from '../helpers/wire.ts'
import { chat, inGroup, NOTHING, refuse } from './refusals.ts'
import type { Refusal, Rights } from './rights.ts'
import type { World } from './world.ts'

// Who may see which file, by each of its routes and by signed URLs: test/media/rights.test.ts. Here: what is there for nobody.

const attachmentIds = [NOTHING]
const nobodys: Rights['rows'] = { mediaId: (['bob', 'zoe', 'lex', 'root'] as const).map(as => refuse(as, 'MEDIA_NOT_FOUND', () => ({ mediaId: NOTHING }))) }
const announced: Input = { size: 5, sha256: '0'.repeat(64) }
const sending: Refusal[] = [
  refuse('bob', 'MEDIA_NOT_FOUND', inGroup(() => ({ attachmentIds }))), refuse('zoe', 'CHAT_NOT_FOUND', inGroup(() => ({ attachmentIds }))), refuse('sid', 'SILENCED', inGroup(() => ({ attachmentIds }))),
]
const linked = (name: 'replyToId' | 'threadRootId'): Refusal[] => [
  refuse('bob', 'MESSAGE_NOT_FOUND', inGroup(({ directOne }: World) => ({ attachmentIds, [name]: directOne }))), refuse('lee', 'MESSAGE_NOT_FOUND', inGroup(({ early }: World) => ({ attachmentIds, [name]: early }))),
]

export const RIGHTS_ON_MEDIA: Rights[] = [
  { route: 'POST /sessions/{chatId}/messages', command: 'send_message', rows: { attachmentIds: sending } },
  { route: 'POST /messages', command: 'send_message', rows: { attachmentIds: [refuse('bob', 'MEDIA_NOT_FOUND', ({ id }) => ({ targetUserId: id('fay'), attachmentIds })), refuse('bob', 'MEDIA_NOT_FOUND', ({ id }) => ({ targetUserId: id('vic'), attachmentIds }))] } },
  { command: 'send_media', rows: { chatId: chat(() => ({ attachmentIds })), attachmentIds: sending, replyToId: linked('replyToId'), threadRootId: linked('threadRootId') } },
  { route: 'POST /media', rows: { form: [refuse('bob', 'VALIDATION_FAILED', inGroup(() => ({})))] } },
  {
    route: 'POST /media/upload-url',
    rows: {
      chatId: [...chat(() => announced), refuse('rex', 'CHAT_NOT_FOUND', ({ stream }) => ({ chatId: stream, ...announced })), refuse('gus', 'CHAT_NOT_FOUND', inGroup(() => announced))],
      role: [
        refuse('sid', 'SILENCED', inGroup(() => announced)), refuse('bob', 'CHAT_READ_ONLY', ({ quiet }) => ({ chatId: quiet, ...announced })),
        refuse('bob', 'CHAT_BLOCKED', ({ blocked }) => ({ chatId: blocked, ...announced })), refuse('ida', 'CHAT_BLOCKED', ({ blocked }) => ({ chatId: blocked, ...announced })),
      ],
    },
  },
  ...['POST /media/{mediaId}/complete', 'GET /media/{mediaId}', 'GET /media/{mediaId}/thumbnail', 'GET /media/{mediaId}/metadata', 'DELETE /media/{mediaId}'].map((route): Rights => ({ route, rows: nobodys })),
  { route: 'POST /media/urls', rows: { ids: [{ as: 'bob', input: () => ({ ids: [NOTHING] }), sees: body => JSON.stringify(body) === JSON.stringify({ data: [], failed: [{ id: NOTHING, code: 'MEDIA_NOT_FOUND' }] }) }] } },
  { route: 'GET /media/signed', rows: { ticket: ['x', 'x.y', `${Buffer.from('{}').toString('base64url')}.`].map(ticket => refuse('bob', 'TOKEN_INVALID', () => ({ ticket }))) } },
  { route: 'PUT /media/signed', rows: { ticket: [refuse('bob', 'TOKEN_MISSING', () => ({}))] } },
]
