import { decodeCursor, toPage } from '../pages.ts'
import type { Database } from '../plugins/database.ts'
import { compile } from '../plugins/validation.ts'
import { Input, Time } from '../primitives.ts'
import { listEntries } from './queries.ts'
import { AuditEntry, type ListAudit } from './schemas.ts'

export type AuditService = ReturnType<typeof auditService>

const checkCursor = compile(Input({ at: Time, id: AuditEntry.properties.id }), 'cursor')

export function auditService (db: Database) {
  return {
    /** Newest first. */
    async list ({ cursor, limit = 50, ...filter }: ListAudit) {
      const rows = await listEntries(db, { ...filter, limit: limit + 1 }, decodeCursor(cursor, checkCursor))
      return toPage(rows, limit, row => row, ({ at, id }) => ({ at, id }))
    },
  }
}
