import type { Input } from '../helpers/wire.ts'
import { chat, inGroup, participant, refuse } from './refusals.ts'
import type { Refusal, Rights } from './rights.ts'

const time = { seconds: 600 }
const overBob = (more: Input) => chat(({ id }) => ({ userId: id('bob'), ...more }))

/** Nobody over themselves, nor over who is as high, nor without a rank; nobody has one in a DIRECT chat. */
const ranks = (more: Input = {}): Refusal[] => [
  ...([['bob', 'fay'], ['lee', 'bob'], ['mona', 'mona'], ['mona', 'adam'], ['mona', 'olga'], ['adam', 'adam'], ['adam', 'olga'], ['olga', 'olga']] as const)
    .map(([as, other]) => refuse(as, 'ROLE_REQUIRED', inGroup(({ id }) => ({ userId: id(other), ...more })))),
  refuse('bob', 'ROLE_REQUIRED', ({ direct, id }) => ({ chatId: direct, userId: id('fay'), ...more })),
]
/** Who has left or was removed can be banned. */
const neverThere = participant({}).filter((_, index) => index === 0 || index === 3)
const sanction = (name: string, userId: Refusal[], more: Input = {}): Rights => ({
  route: `POST /sessions/{chatId}/participants/{userId}/${name}`, command: `${name}_user` as 'ban_user', rows: { chatId: overBob(more), userId, role: ranks(more) },
})

export const RIGHTS_ON_MEMBERS: Rights[] = [
  { route: 'PATCH /sessions/{chatId}/me', command: 'update_membership', rows: { chatId: chat(() => ({ pinned: true })), role: [refuse('bob', 'VALIDATION_FAILED', inGroup(() => ({ role: 'OWNER' })))] } },
  ...['archive', 'unarchive'].map((name): Rights => ({ route: `POST /sessions/{chatId}/${name}`, rows: { chatId: chat() } })),
  sanction('ban', neverThere),
  sanction('unban', neverThere),
  sanction('silence', participant(time), time),
  sanction('unsilence', participant({})),
]
