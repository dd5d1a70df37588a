import type { CommandName } from '../../src/contract.ts'
import type { Input } from '../helpers/wire.ts'
import type { Person, World } from './world.ts'

const NUL = 'a\0b'
const LONE = 'a\ud800b'
const NOTHING = '00000000-0000-7000-8000-000000000000'
const cursor = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url')

export const FAMILY = '👨‍👩‍👧‍👦'
/** Nested arrays, or objects. */
export const deep = (levels: number) => ({ arrays: '['.repeat(levels) + ']'.repeat(levels), objects: '{"a":'.repeat(levels) + '1' + '}'.repeat(levels) })
export const nested = (levels: number): Input => levels === 1 ? {} : { a: nested(levels - 1) }

/** Comes back as it went in. */
export const TEXTS: Record<string, string> = {
  emoji: '👍🏽 ❤️ 🇺🇦 1️⃣',
  'a family, joined by ZWJ': FAMILY,
  'right to left': 'שלום\u200f עולם \u202b(مرحبا)\u202c',
  'combining, composed and not': 'é e\u0301 ﬁ Å \u212b',
  'between the lines': ' tab\t cr\r lf\n \u2028\u2029\u0085 ',
  'control characters': '\u0001\u001b[31m\u007f\u009f',
  'what looks like an escape': '\\u0000 \\ud800 %00 \\x00 \\',
  'what looks like code': '\'; DROP TABLE chat.chat_message; -- $1 ${0} </script> {{x}}', // eslint-disable-line no-template-curly-in-string
  'the ends of Unicode': '\ufffd \ufffe \uffff \u{10ffff} \ufeff',
  '10,000 letters': 'x'.repeat(10_000),
  '10,000 emoji, twice as many UTF-16 units': '😀'.repeat(10_000),
}

/** More than 10,000 code points. */
export const TOO_LONG: Record<string, string> = { '10,001 letters': 'x'.repeat(10_001), '10,001 emoji': '😀'.repeat(10_001), '10,000 families': FAMILY.repeat(10_000) }

export interface Malformed { route: string, command: CommandName, as: Person, good: (world: World) => Input, bad: Input[] }

const texts = (field: string, most: number): Input[] => [NUL, LONE, '\udc00', 'x'.repeat(most + 1), '😀'.repeat(most + 1), 1, true, [], {}, ''].map(value => ({ [field]: value }))
const metadata: Input[] = [
  [], 'x', 1, null, { [NUL]: 1 }, { [LONE]: 1 }, { a: NUL }, { a: [{ b: LONE }] }, { a: 'x'.repeat(8 * 1024 - 7) }, nested(9), JSON.parse('{"__proto__":{"a":1}}'), { a: JSON.parse('{"__proto__":null}') },
].map(value => ({ metadata: value }))
const tooMany = Object.fromEntries(Array.from('abcdefghijk', key => [key, '']))
const labels: Input[] = [
  { [NUL]: 'x' }, { a: NUL }, { [LONE]: 'x' }, { a: LONE }, { '': 'x' }, { ['x'.repeat(65)]: 'x' }, { a: 'x'.repeat(257) }, { a: 1 }, { a: null }, [], 'a', JSON.parse('{"__proto__":"x"}'), tooMany,
].map(value => ({ labels: value }))
const seqs = (field: string): Input[] => [-1, 1.5, 2 ** 31, 1e300, 'x', '1; DROP', NUL].map(value => ({ [field]: value }))
const limits: Input[] = [0, 101, -1, 1.5, 1e9, 'all'].map(limit => ({ limit }))
const cursors = (field: string, forged: unknown[]): Input[] => ['x', '!', '0', NUL, 'x'.repeat(513), ...[null, [], 1, {}, { since: 1 }, ...forged].map(cursor)].map(value => ({ [field]: value }))
const times = (field: string): Input[] => [
  'now', '2024-01-01', '2024-02-30T00:00:00Z', '0000-01-01T00:00:00Z', '2024-01-01T00:00:00+23:59', '2024-01-01T00:00:00-16:00', '12024-01-01T00:00:00Z', '-2024-01-01T00:00:00Z', 'infinity', NUL,
].map(value => ({ [field]: value }))
const userIds = (of: (userId: unknown) => Input): Input[] => [NUL, '\n', 'a\u0085b', 'x'.repeat(129), '😀'.repeat(129), ''].map(of)
const unknown: Input[] = [{ unknown: 1 }, { constructor: {} }, { prototype: 1 }, { toString: 'x' }]
const messageIds = [
  'x', '.', NOTHING, `${NOTHING}.`, `${NOTHING}.0`, `${NOTHING}.-1`, `${NOTHING}.01`, `${NOTHING}.1.1`, `${NOTHING}.1e3`, `${NOTHING}.99999999999`, `${NOTHING}.1\n`, `${NOTHING}. 1`, `x${NOTHING}.1`, `${NOTHING.replaceAll('-', '')}.1`, NUL,
]
const chatIds = ['x', '1', `{${NOTHING}}`, NOTHING.replaceAll('-', ''), `${NOTHING}0`, `${NOTHING}\n`, NUL, '../me', '%00']

/** Each of the bad instead of, or beside, the good. All of it is refused with VALIDATION_FAILED. */
export const MALFORMED: Malformed[] = [
  {
    route: 'POST /sessions/{chatId}/messages',
    command: 'send_message',
    as: 'bob',
    good: ({ group }) => ({ chatId: group, content: 'hi' }),
    bad: [...texts('content', 10_000), ...texts('clientMessageId', 128), ...metadata, ...messageIds.map(replyToId => ({ replyToId })), { content: null }, { type: 'SYSTEM' }, { type: NUL }, { replyToId: null }, ...unknown],
  },
  {
    route: 'POST /messages',
    command: 'send_message',
    as: 'bob',
    good: () => ({ targetUserId: 'new', content: 'hi' }),
    bad: [...userIds(targetUserId => ({ targetUserId })), ...texts('content', 10_000), ...metadata, ...unknown],
  },
  { route: 'PUT /messages/{messageId}', command: 'edit_message', as: 'bob', good: ({ late }) => ({ messageId: late, content: 'hi' }), bad: [...texts('content', 10_000), ...messageIds.map(messageId => ({ messageId })), ...unknown] },
  {
    route: 'POST /sessions',
    command: 'create_chat',
    as: 'bob',
    good: () => ({ type: 'GROUP', name: 'New', participantIds: ['new'] }),
    bad: [
      ...texts('name', 256), ...texts('avatarUrl', 2048), ...texts('externalRef', 256), ...texts('clientChatId', 128), ...labels, ...metadata, ...userIds(userId => ({ participantIds: ['new', userId] })), ...unknown, { type: 'DIRECT' },
      { participantIds: Array.from({ length: 1000 }, (_, n) => `new${n}`) }, { description: 'x'.repeat(2049) }, { settings: [] }, { settings: { slowModeSeconds: 86_401 } }, { settings: { retentionDays: 0 } }, { settings: { unknown: 1 } },
    ],
  },
  { route: 'POST /sessions', command: 'create_chat', as: 'bob', good: () => ({ type: 'DIRECT', targetUserId: 'new' }), bad: [...userIds(targetUserId => ({ targetUserId })), ...labels, ...metadata, ...unknown] },
  {
    route: 'PATCH /sessions/{chatId}',
    command: 'update_chat',
    as: 'olga',
    good: ({ group }) => ({ chatId: group, name: 'Changed' }),
    bad: [...texts('name', 256), ...labels, ...metadata, ...unknown, ...['description', 'avatarUrl'].flatMap(field => [{ [field]: NUL }, { [field]: LONE }, { [field]: 'x'.repeat(2049) }])],
  },
  {
    route: 'POST /sessions/{chatId}/participants',
    command: 'add_participants',
    as: 'olga',
    good: ({ group }) => ({ chatId: group, userIds: ['new'] }),
    bad: [...userIds(userId => ({ userIds: ['new', userId] })), ...texts('label', 64), { userIds: 'new' }, { userIds: Array.from({ length: 1001 }, (_, n) => `new${n}`) }, { role: 'KING' }, ...unknown],
  },
  { route: 'PATCH /sessions/{chatId}/participants/{userId}', command: 'update_participant', as: 'olga', good: ({ group, id }) => ({ chatId: group, userId: id('bob'), label: 'VIP' }), bad: [...texts('label', 64), { role: null }, ...unknown] },
  { route: 'GET /sessions', command: 'get_chats', as: 'bob', good: () => ({}), bad: [...limits, ...cursors('cursor', ['0000-01-01T00:00:00Z', '2024-01-01T00:00:00+23:59', NUL].map(activeAt => ({ pinned: true, activeAt, chatId: NOTHING }))), { q: '' }, { q: NUL }, { q: '😀'.repeat(257) }, ...[{ [NUL]: 'x' }, { a: NUL }, { '': 'x' }, { ['x'.repeat(65)]: 'x' }, { a: 'x'.repeat(257) }, tooMany].map(labels => ({ labels })), ...unknown] },
  {
    route: 'GET /users/{userId}/sessions',
    command: 'get_user_chats',
    as: 'bob',
    good: ({ id }) => ({ userId: id('bob') }),
    bad: [...limits, ...userIds(userId => ({ userId })).slice(0, -1), ...cursors('cursor', [{ joinedAt: 'now', chatId: NOTHING }, { joinedAt: '2024-01-01T00:00:00Z', chatId: NUL }]), { includeArchived: 'x' }, ...unknown],
  },
  {
    route: 'POST /sessions',
    command: 'create_chat',
    as: 'bob',
    good: () => ({ type: 'SUPPORT' }),
    bad: [...texts('name', 256), ...labels, ...metadata, ...texts('externalRef', 256), { targetUserId: 'new' }, { participantIds: [] }, ...unknown],
  },
  {
    route: 'GET /support/sessions',
    command: 'get_support_chats',
    as: 'gus',
    good: () => ({}),
    bad: [...limits, ...cursors('cursor', [{ createdAt: 'now', chatId: NOTHING }, { createdAt: '2024-01-01T00:00:00Z', chatId: NUL }]), { status: 'LOST' }, { status: NUL }, { labels: { [NUL]: 'x' } }, { labels: tooMany }, ...unknown],
  },
  { route: 'POST /sessions/{chatId}/take', command: 'take_chat', as: 'gus', good: ({ question }) => ({ chatId: question }), bad: [...chatIds.map(chatId => ({ chatId })), { join: 'yes' }, { join: null }, ...unknown] },
  { route: 'POST /sessions/{chatId}/release', command: 'release_chat', as: 'gus', good: ({ taken }) => ({ chatId: taken }), bad: [...chatIds.map(chatId => ({ chatId })), ...userIds(toUserId => ({ toUserId })), { toUserId: null }, ...unknown] },
  { route: 'POST /sessions/{chatId}/close', command: 'close_chat', as: 'bob', good: ({ question }) => ({ chatId: question }), bad: [...chatIds.map(chatId => ({ chatId })), ...unknown] },
  { route: 'GET /sessions/{chatId}/stats', command: 'get_stats', as: 'bob', good: ({ group }) => ({ chatId: group }), bad: [...chatIds.map(chatId => ({ chatId })), ...unknown] },
  { route: 'GET /sessions/{chatId}/participants', command: 'get_participants', as: 'bob', good: ({ group }) => ({ chatId: group }), bad: [...limits, ...cursors('cursor', [{ joinRevision: 2 ** 31 }, { joinRevision: 0.5 }, { joinRevision: 1, more: 1 }])] },
  {
    route: 'GET /sessions/{chatId}/messages',
    command: 'get_history',
    as: 'bob',
    good: ({ group }) => ({ chatId: group, limit: 1 }),
    bad: [...limits, ...['before', 'after', 'around'].flatMap(seqs), ...times('from'), ...times('to'), ...userIds(senderId => ({ senderId })), { type: 'LETTER' }, { before: 1, after: 1 }, ...unknown, ...chatIds.map(chatId => ({ chatId }))],
  },
  {
    route: 'GET /sessions/{chatId}/search',
    command: 'search',
    as: 'bob',
    good: ({ group }) => ({ chatId: group, q: 'late' }),
    bad: [
      ...[NUL, '', 'x'.repeat(513), '😀'.repeat(513)].map(q => ({ q })), ...limits, ...times('from'), ...times('to'), ...userIds(senderId => ({ senderId })), { type: 'LETTER' }, { order: 'worst' }, { hasAttachment: 'perhaps' }, ...unknown, ...chatIds.map(chatId => ({ chatId })),
      ...cursors('cursor', [{ at: 1e300, chatId: NOTHING, seq: 1 }, { at: 0, chatId: NOTHING, seq: 2 ** 31 }, { at: 0, chatId: NUL, seq: 1 }, { at: -1e15, chatId: NOTHING, seq: 1 }, { at: 1, chatId: NOTHING, seq: 1, more: 1 }]),
    ],
  },
  { route: 'GET /sessions/{chatId}/changes', command: 'changes', as: 'bob', good: ({ group }) => ({ chatId: group, since: 1 }), bad: [...seqs('since'), { limit: 201 }, { limit: 0 }, ...chatIds.map(chatId => ({ chatId }))] },
  {
    route: 'POST /sync',
    command: 'sync',
    as: 'bob',
    good: () => ({}),
    bad: [...seqs('inboxRevision'), ...cursors('cursor', [{ since: 0, upTo: 0, after: NUL, epoch: '', reset: true }, { since: -1, upTo: 0, after: NOTHING, epoch: '', reset: true }]), { epoch: NUL }, { epoch: 'x'.repeat(65) }],
  },
  ...(['read', 'delivered'] as const).map((name): Malformed => ({
    route: `POST /sessions/{chatId}/${name}`,
    command: `mark_as_${name}`,
    as: 'fay',
    good: ({ group }) => ({ chatId: group }),
    bad: [...seqs('upToSeq'), { messageIds: [] }, { messageIds: messageIds.slice(0, 1) }, { messageIds: 'x' }, { messageIds: Array.from({ length: 101 }, () => `${NOTHING}.1`) }, ...unknown],
  })),
  { route: 'PATCH /me', command: 'update_me', as: 'bob', good: () => ({ settings: {} }), bad: [...texts('displayName', 256), ...texts('avatarUrl', 2048), { settings: [] }, { settings: { requests: NUL } }, { settings: { constructor: {} } }, ...unknown] },
  { route: 'PUT /blocks/{userId}', command: 'block_user', as: 'bob', good: () => ({ userId: 'new' }), bad: userIds(userId => ({ userId })).slice(0, -1) },
  {
    route: 'POST /messages/{messageId}/report',
    command: 'report_message',
    as: 'fay',
    good: ({ late }) => ({ messageId: late, reason: 'rude' }),
    bad: [...texts('reason', 1_000), ...messageIds.filter(messageId => messageId !== '.').map(messageId => ({ messageId })), ...unknown], // (a URL cannot say ".")
  },
  { route: 'GET /messages/{messageId}', command: 'get_messages', as: 'bob', good: ({ late }) => ({ messageId: late }), bad: messageIds.map(messageId => ({ messageId })) },
]
