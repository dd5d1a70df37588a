import type { Input } from '../helpers/wire.ts'
import { group, noChat } from './inputs.ts'
import type { Case, Operation } from './operations.ts'
import type { World } from './world.ts'

const asked = (more: Input = {}) => (world: World): Input => ({ chatId: world.asked, ...more })
const reject = ({ call, asked }: World) => call('lex', 'POST /sessions/{chatId}/reject', { chatId: asked })
/** vic, who wants to be asked, is invited to the group. */
const invite = async ({ call, group, id }: World) => {
  await call('vic', 'PATCH /me', { settings: { groupInvites: 'ASK' } })
  await call('olga', 'POST /sessions/{chatId}/participants', { chatId: group, userIds: [id('vic')], role: 'MODERATOR', label: 'GUEST' })
}
/** Neither by who asks, nor by whom nobody has asked. */
const notTheirs: Case[] = [{ as: 'zoe', input: asked(), error: 'ROLE_REQUIRED' }, { as: 'bob', input: asked(), error: 'CHAT_NOT_FOUND' }, { as: 'vic', input: group(), error: 'CHAT_NOT_FOUND' }, ...noChat]

/** Requests and invitations. */
export const ON_CONSENT: Operation[] = [
  {
    route: 'POST /sessions/{chatId}/accept',
    command: 'accept_chat',
    cases: [
      { as: 'lex', input: asked() }, { as: 'lex', input: asked(), prepare: reject }, { as: 'vic', input: group(), prepare: invite }, { as: 'bob', input: group() }, ...notTheirs,
    ],
  },
  {
    route: 'POST /sessions/{chatId}/reject',
    command: 'reject_chat',
    cases: [
      { as: 'lex', input: asked() }, { as: 'lex', input: asked(), prepare: reject }, { as: 'vic', input: group(), prepare: invite }, { as: 'bob', input: group(), error: 'VALIDATION_FAILED' }, ...notTheirs,
    ],
  },
  {
    route: 'GET /sessions',
    command: 'get_chats',
    cases: [
      { as: 'lex', input: () => ({ state: 'requests' }) }, { as: 'zoe', input: () => ({ state: 'requests', direction: 'sent', type: 'DIRECT', limit: 1 }) }, { as: 'vic', input: () => ({ state: 'requests', direction: 'received' }), prepare: invite },
      { as: 'zoe', input: () => ({ direction: 'sent' }), error: 'VALIDATION_FAILED' }, { as: 'zoe', input: () => ({ state: 'requests', direction: 'both' }), error: 'VALIDATION_FAILED' },
    ],
  },
  { route: 'GET /sessions/{chatId}', command: 'get_chat', cases: [{ as: 'vic', input: group(), prepare: invite }, { as: 'lex', input: asked() }] },
  { route: 'POST /sessions/{chatId}/messages', command: 'send_message', cases: [{ as: 'lex', input: asked({ content: 'yes', clientMessageId: 'yes' }) }, { as: 'zoe', input: asked({ content: 'please', clientMessageId: 'please' }) }] },
  { route: 'PATCH /sessions/{chatId}/me', command: 'update_membership', cases: [{ as: 'lex', input: asked({ pinned: true }) }] },
]
