import { direct, group, member, noChat } from './inputs.ts'
import type { Input } from '../helpers/wire.ts'
import type { Case, Operation } from './operations.ts'
import type { World } from './world.ts'

const settings = { notifications: 'MENTIONS', mutedUntil: '2099-01-01T00:00:00.000Z', pinned: true, markedUnread: true, archived: true }
const sanction = (name: string, more: Input = {}) => ({ call, group, id }: World) => call('mona', `POST /sessions/{chatId}/participants/{userId}/${name}`, { chatId: group, userId: id('bob'), ...more })
const time = { seconds: 600 }

/** Not over one's own rank or above, nor by whom has none, nor over who is not there. */
const notAllowed = (more: Input = {}): Case[] => [
  { as: 'bob', input: member('fay', more), error: 'ROLE_REQUIRED' }, { as: 'mona', input: member('mona', more), error: 'ROLE_REQUIRED' },
  { as: 'mona', input: member('adam', more), error: 'ROLE_REQUIRED' }, { as: 'adam', input: member('olga', more), error: 'ROLE_REQUIRED' },
  { as: 'mona', input: member('zoe', more), error: 'USER_NOT_FOUND' }, { as: 'zoe', input: member('bob', more), error: 'CHAT_NOT_FOUND' },
  { as: 'bob', input: ({ direct, id }) => ({ chatId: direct, userId: id('fay'), ...more }), error: 'ROLE_REQUIRED' }, { as: 'mona', input: member('bob', { ...more, unknown: 1 }), error: 'VALIDATION_FAILED' },
]

/** My settings; bans and silence. */
export const ON_MEMBERS: Operation[] = [
  {
    route: 'PATCH /sessions/{chatId}/me',
    command: 'update_membership',
    cases: [
      { as: 'bob', input: group(settings) }, { as: 'bob', input: direct({ mutedUntil: null, pinned: false }) }, { as: 'bob', input: group({ mutedUntil: '2099-06-30T23:59:59+02:00' }) },
      ...[{}, { pinned: 'yes' }, { notifications: 'SOME' }, { mutedUntil: 'tomorrow' }, { mutedUntil: '0000-01-01T00:00:00Z' }, { mutedUntil: '2099-01-01T00:00:00+23:59' }, { role: 'OWNER' }]
        .map((bad): Case => ({ as: 'bob', input: group(bad), error: 'VALIDATION_FAILED' })),
      { as: 'zoe', input: group({ pinned: true }), error: 'CHAT_NOT_FOUND' }, { as: 'lex', input: group({ archived: true }), error: 'CHAT_NOT_FOUND' },
    ],
  },
  { route: 'POST /sessions/{chatId}/archive', command: 'update_membership', says: { archived: true }, cases: [{ as: 'bob', input: group() }, { as: 'bob', input: direct() }, ...noChat] },
  {
    route: 'POST /sessions/{chatId}/unarchive',
    command: 'update_membership',
    says: { archived: false },
    cases: [{ as: 'bob', input: group(), prepare: ({ call, group }) => call('bob', 'POST /sessions/{chatId}/archive', { chatId: group }) }, { as: 'bob', input: group() }, ...noChat],
  },
  {
    route: 'POST /sessions/{chatId}/participants/{userId}/ban',
    command: 'ban_user',
    cases: [{ as: 'mona', input: member('bob') }, { as: 'olga', input: member('adam') }, { as: 'mona', input: member('lex') }, { as: 'mona', input: member('bob'), prepare: sanction('ban') }, ...notAllowed()],
  },
  { route: 'POST /sessions/{chatId}/participants/{userId}/unban', command: 'unban_user', cases: [{ as: 'adam', input: member('bob'), prepare: sanction('ban') }, { as: 'mona', input: member('bob') }, ...notAllowed()] },
  {
    route: 'POST /sessions/{chatId}/participants/{userId}/silence',
    command: 'silence_user',
    cases: [
      { as: 'mona', input: member('bob', time) }, { as: 'mona', input: member('bob', { until: '2099-01-01T00:00:00.000Z' }) }, { as: 'adam', input: member('bob', time), prepare: sanction('silence', time) },
      { as: 'mona', input: member('lex', time), error: 'USER_NOT_FOUND' }, ...notAllowed(time),
      ...[{}, { seconds: 0 }, { seconds: 31_536_001 }, { until: 'soon' }, { until: '0000-01-01T00:00:00Z' }, { ...time, until: '2099-01-01T00:00:00.000Z' }].map((bad): Case => ({ as: 'mona', input: member('bob', bad), error: 'VALIDATION_FAILED' })),
    ],
  },
  {
    route: 'POST /sessions/{chatId}/participants/{userId}/unsilence',
    command: 'unsilence_user',
    cases: [{ as: 'adam', input: member('bob'), prepare: sanction('silence', time) }, { as: 'mona', input: member('sid') }, { as: 'mona', input: member('lex'), error: 'USER_NOT_FOUND' }, ...notAllowed()],
  },
]
