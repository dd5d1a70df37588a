import { chat, refuse } from './refusals.ts'
import type { Refusal, Rights } from './rights.ts'
import type { Input } from '../helpers/wire.ts'
import type { World } from './world.ts'

const inAsked = (more: Input = {}) => (world: World): Input => ({ chatId: world.asked, ...more })
const onAsked = (more: Input = {}) => ({ askedOne }: World): Input => ({ messageId: askedOne, ...more })
/** While nobody has answered, neither may do more than write. */
const unanswered = (input: Refusal['input']): Refusal[] => [refuse('zoe', 'REQUEST_PENDING', input), refuse('lex', 'REQUEST_PENDING', input)]
const answer = (name: 'accept' | 'reject'): Rights => ({
  route: `POST /sessions/{chatId}/${name}`, command: `${name}_chat`, rows: { chatId: chat(), role: [refuse('zoe', 'ROLE_REQUIRED', inAsked()), refuse('bob', 'CHAT_NOT_FOUND', inAsked())] },
})

/** zoe has asked lex. */
export const RIGHTS_ON_CONSENT: Rights[] = [
  answer('accept'),
  answer('reject'),
  { route: 'POST /messages/{messageId}/reactions', command: 'add_reaction', rows: { asked: unanswered(onAsked({ emoji: '👍' })) } },
  { route: 'POST /messages/{messageId}/pin', command: 'pin_message', rows: { asked: unanswered(onAsked()) } },
  {
    route: 'POST /messages/{messageId}/forward',
    command: 'forward_message',
    rows: { asked: [{ as: 'zoe', input: ({ asked, hersOne }) => ({ messageId: hersOne, chatIds: [asked] }), sees: body => JSON.stringify(body.failed).includes('REQUEST_PENDING') && (body.messages as []).length === 0 }] },
  },
]
