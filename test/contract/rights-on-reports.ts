import type { Input } from '../helpers/wire.ts'
import { cursor, message, NOTHING, refuse } from './refusals.ts'
import type { Refusal, Rights } from './rights.ts'
import { PEOPLE, type World } from './world.ts'

const everybody = (input: (world: World) => Input): Refusal[] => PEOPLE.filter(as => as !== 'root').map(as => refuse(as, 'ROLE_REQUIRED', input))
const someReport = () => ({ reportId: NOTHING })
const bob = ({ id }: World) => ({ userId: id('bob') })

/** Who sees a message can report it; what becomes of a report is for administrators: root alone is one. */
export const RIGHTS_ON_REPORTS: Rights[] = [
  { route: 'POST /messages/{messageId}/report', command: 'report_message', rows: { messageId: message(() => ({ reason: 'rude' })), self: [refuse('bob', 'TARGET_IS_SELF', ({ late }) => ({ messageId: late, reason: 'rude' }))] } },
  {
    route: 'GET /admin/reports',
    rows: {
      chatId: everybody(({ group }) => ({ chatId: group })),
      senderId: everybody(({ id }) => ({ senderId: id('bob') })),
      cursor: [...everybody(() => ({ cursor: cursor({ createdAt: '2026-01-01T00:00:00.000Z', id: NOTHING }) })), refuse('root', 'VALIDATION_FAILED', () => ({ cursor: cursor({ createdAt: 'now', id: NOTHING }) }))],
    },
  },
  { route: 'GET /admin/overview', rows: { token: everybody(() => ({})) } },
  { route: 'GET /admin/reports/{reportId}', rows: { reportId: [...everybody(someReport), refuse('root', 'REPORT_NOT_FOUND', someReport)] } },
  {
    route: 'POST /admin/reports/{reportId}/resolve',
    rows: { reportId: [...everybody(() => ({ ...someReport(), resolution: 'DISMISSED' })), refuse('root', 'REPORT_NOT_FOUND', () => ({ ...someReport(), resolution: 'DISMISSED' }))] },
  },
  { route: 'POST /admin/users/{userId}/ban', rows: { userId: [...everybody(bob), refuse('root', 'USER_NOT_FOUND', () => ({ userId: 'nobody' })), refuse('root', 'TARGET_IS_SELF', ({ id }) => ({ userId: id('root') }))] } },
  { route: 'POST /admin/users/{userId}/unban', rows: { userId: [...everybody(bob), refuse('root', 'USER_NOT_FOUND', () => ({ userId: 'nobody' }))] } },
]
