import type { Input } from '../helpers/wire.ts'
import { cursor, NOTHING, refuse } from './refusals.ts'
import type { Refusal, Rights } from './rights.ts'
import type { World } from './world.ts'

const everybody = (input: (world: World) => Input): Refusal[] => (['olga', 'vic', 'gus'] as const).map(as => refuse(as, 'ROLE_REQUIRED', input))
/** Refused for who they are, before anything that they name is looked at. */
const rows = (input: (world: World) => Input, identifiers: string[], more: Rights['rows'] = {}): Rights['rows'] =>
  ({ role: everybody(input), ...Object.fromEntries(identifiers.map(name => [name, [refuse('olga', 'ROLE_REQUIRED', input)]])), ...more })
const group = (more: Input = {}) => (world: World): Input => ({ chatId: world.group, ...more })
const noChat = (more: Input = {}): Refusal => refuse('root', 'CHAT_NOT_FOUND', () => ({ chatId: NOTHING, ...more }))
const noUser = (more: Input = {}): Refusal => refuse('root', 'USER_NOT_FOUND', () => ({ userId: 'nobody', ...more }))
const bob = (more: Input = {}) => ({ id }: World): Input => ({ userId: id('bob'), ...more })
const forged = (key: object): Refusal => refuse('root', 'VALIDATION_FAILED', () => ({ cursor: cursor(key) }))

/** What the application's server and administrators may: root alone is one. */
export const RIGHTS_ON_ADMINISTRATION: Rights[] = [
  { route: 'GET /admin/audit', rows: rows(() => ({}), ['userId', 'keyId', 'targetUserId', 'chatId', 'cursor'], { forged: [forged({ at: 'now', id: NOTHING })] }) },
  { route: 'GET /admin/users/{userId}', rows: rows(bob(), ['userId'], { nobody: [noUser()] }) },
  { route: 'PUT /admin/users/{userId}', rows: rows(bob({ displayName: 'B' }), ['userId']) },
  { route: 'POST /admin/users', rows: rows(({ id }) => ({ users: [{ id: id('bob') }] }), ['users']) },
  { route: 'POST /admin/users/{userId}/revoke', rows: rows(bob(), ['userId'], { nobody: [noUser()] }) },
  { route: 'POST /admin/sessions', rows: rows(({ id }) => ({ createdById: id('bob'), chat: { type: 'DIRECT', targetUserId: id('olga') } }), ['createdById']) },
  { route: 'GET /admin/sessions/{chatId}', rows: rows(group(), ['chatId'], { none: [noChat()] }) },
  { route: 'PATCH /admin/sessions/{chatId}', rows: rows(group({ name: 'Ours' }), ['chatId'], { none: [noChat({ name: 'Ours' })] }) },
  { route: 'DELETE /admin/sessions/{chatId}', rows: rows(group(), ['chatId'], { none: [noChat()] }) },
  { route: 'GET /admin/sessions/{chatId}/participants', rows: rows(group(), ['chatId', 'cursor'], { none: [noChat()] }) },
  { route: 'POST /admin/sessions/{chatId}/participants', rows: rows(group({ userIds: ['vic'] }), ['chatId', 'userIds'], { none: [refuse('root', 'CHAT_NOT_FOUND', ({ id }) => ({ chatId: NOTHING, userIds: [id('vic')] }))] }) },
  {
    route: 'PATCH /admin/sessions/{chatId}/participants/{userId}',
    rows: rows(world => ({ ...group({ label: 'VIP' })(world), ...bob()(world) }), ['chatId', 'userId'], {
      stranger: [refuse('root', 'USER_NOT_FOUND', ({ group: chatId, id }) => ({ chatId, userId: id('zoe'), label: 'VIP' }))],
      lastOwner: [refuse('root', 'LAST_OWNER', ({ group: chatId, id }) => ({ chatId, userId: id('olga'), role: 'MEMBER' }))],
    }),
  },
  { route: 'DELETE /admin/sessions/{chatId}/participants/{userId}', rows: rows(world => ({ ...group()(world), ...bob()(world) }), ['chatId', 'userId'], { stranger: [refuse('root', 'USER_NOT_FOUND', ({ group: chatId, id }) => ({ chatId, userId: id('zoe') }))] }) },
  { route: 'GET /admin/sessions/{chatId}/messages', rows: rows(group(), ['chatId'], { none: [noChat()] }) },
  {
    route: 'POST /admin/sessions/{chatId}/messages',
    rows: rows(group({ senderId: null, content: 'hi' }), ['chatId', 'senderId', 'attachmentIds', 'replyToId', 'threadRootId', 'targetIds'], {
      none: [noChat({ senderId: null, content: 'hi' })],
      // Who is sent as has no more rights than they have.
      sentAs: [refuse('root', 'CHAT_NOT_FOUND', ({ group: chatId, id }) => ({ chatId, senderId: id('zoe'), content: 'hi' })), refuse('root', 'SILENCED', ({ group: chatId, id }) => ({ chatId, senderId: id('sid'), content: 'hi' }))],
    }),
  },
  {
    route: 'POST /admin/messages',
    rows: rows(({ id }) => ({ senderId: id('olga'), targetUserId: id('bob'), content: 'hi' }), ['senderId', 'targetUserId', 'attachmentIds', 'replyToId', 'threadRootId'], {
      blocked: [refuse('root', 'CHAT_BLOCKED', ({ id }) => ({ senderId: id('olga'), targetUserId: id('ida'), content: 'hi' }))],
    }),
  },
]
