import { refuse } from './refusals.ts'
import type { Rights } from './rights.ts'
import { PEOPLE } from './world.ts'

const everybody = PEOPLE.filter(as => as !== 'root').flatMap(as => (['deleted', 'late', 'hersOne'] as const).map(name => refuse(as, 'ROLE_REQUIRED', world => ({ messageId: world[name] }))))

/** What only administrators may: root alone is one, whatever the others' roles in a chat. */
export const RIGHTS_ON_RECOVERY: Rights[] = ['GET /admin/messages/{messageId}', 'POST /admin/messages/{messageId}/restore'].map(route => ({ route, rows: { messageId: everybody } }))
