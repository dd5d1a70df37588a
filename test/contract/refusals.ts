// Who is refused what, as many operations share it.
import type { ErrorCode } from '../../src/errors.ts'
import type { Input } from '../helpers/wire.ts'
import type { Refusal } from './rights.ts'
import type { Person, World } from './world.ts'

export const NOTHING = '00000000-0000-7000-8000-000000000000'
export const cursor = (key: object) => Buffer.from(JSON.stringify(key)).toString('base64url')
export const seqOf = (messageId: string) => Number(messageId.split('.')[1])

/** Strangers, former members, and members of what is not there (any more). */
export function chat (more: (world: World) => Input = () => ({})): Refusal[] {
  const rows: [Person, (world: World) => string][] = [
    ['zoe', world => world.group], ['vic', world => world.group], ['lex', world => world.group], ['rex', world => world.group], ['olga', world => world.direct],
    ['olga', world => world.hers], ['olga', world => world.dead], ['bob', world => world.dead], ['olga', () => NOTHING],
  ]
  return rows.map(([as, chatId]) => ({ as, input: world => ({ chatId: chatId(world), ...more(world) }), error: 'CHAT_NOT_FOUND' }))
}

/** The same; and who joined later, about what was before. `name`: of the identifier. */
export function message (more: (world: World) => Input = () => ({}), value: (messageId: string) => Input = messageId => ({ messageId })): Refusal[] {
  const rows: [Person, (world: World) => string][] = [
    ['zoe', world => world.late], ['vic', world => world.late], ['lex', world => world.late], ['lex', world => world.lexs], ['rex', world => world.rexs], ['lee', world => world.early],
    ['lee', ({ group }) => `${group}.1`], ['olga', world => world.directOne], ['olga', world => world.hersOne], ['olga', world => world.deadOne], ['bob', world => world.deadOne],
    ['bob', ({ group }) => `${group}.999`], ['bob', ({ group }) => `${group}.4294967298`], ['bob', () => `${NOTHING}.1`],
  ]
  return rows.map(([as, messageId]) => ({ as, input: world => ({ ...value(messageId(world)), ...more(world) }), error: 'MESSAGE_NOT_FOUND' }))
}

/** About people who are not in the chat. */
export function participant (more: Input): Refusal[] {
  const ids: ((world: World) => string)[] = [({ id }) => id('zoe'), ({ id }) => id('lex'), ({ id }) => id('rex'), () => 'nobody']
  return ids.map(userId => ({ as: 'olga', input: world => ({ chatId: world.group, userId: userId(world), ...more }), error: 'USER_NOT_FOUND' }))
}

/** About people with whom one shares no chat now. */
export function acquaintance (value: (userId: string) => Input, answer: Pick<Refusal, 'error' | 'sees'>): Refusal[] {
  const rows: [Person, Person | null][] = [['zoe', 'bob'], ['bob', 'zoe'], ['lex', 'bob'], ['bob', 'lex'], ['rex', 'olga'], ['olga', 'rex'], ['vic', 'fay'], ['bob', null]]
  return rows.map(([as, other]) => ({ as, input: ({ id }) => value(other === null ? 'nobody' : id(other)), ...answer }))
}

export const refuse = (as: Person, error: ErrorCode, input: Refusal['input']): Refusal => ({ as, error, input })
export const inGroup = (more: (world: World) => Input) => (world: World): Input => ({ chatId: world.group, ...more(world) })
