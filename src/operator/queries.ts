import type { Queryable } from '../plugins/database.ts'
import type { Overview } from './schemas.ts'

export async function ping (db: Queryable): Promise<void> {
  await db.query({ name: 'operator.ping', text: 'SELECT 1' }, [])
}

export type DatabaseState = Pick<Overview['database'], 'serverVersion' | 'connections' | 'maxConnections' | 'longestTransactionSeconds'> & Pick<Overview, 'openReports'>

/** Of sessions of other database users PostgreSQL tells the number, not since when they are at it. */
export async function readState (db: Queryable): Promise<DatabaseState> {
  const [row] = await db.query<DatabaseState>({
    name: 'operator.readState',
    text: `SELECT current_setting('server_version') AS "serverVersion", current_setting('max_connections')::int AS "maxConnections", count(*)::int AS connections,
             coalesce(max(greatest(0, extract(epoch FROM clock_timestamp() - a.xact_start))) FILTER (WHERE a.pid <> pg_backend_pid()), 0)::float8 AS "longestTransactionSeconds",
             (SELECT count(*)::int FROM chat.message_report r WHERE r.status = 'OPEN') AS "openReports"
           FROM pg_stat_activity a WHERE a.datname = current_database()`,
  }, [])
  if (!row) throw new Error('An aggregate has a row')
  return row
}

export type Sizes = Pick<Overview['database'], 'sizeBytes'> & Pick<Overview, 'biggestChats'>

/** Looks at every head, and every file of the database: not to be asked often. */
export async function readSizes (db: Queryable): Promise<Sizes> {
  const [row] = await db.query<Sizes>({
    name: 'operator.readSizes',
    text: `SELECT pg_database_size(current_database())::float8 AS "sizeBytes",
             (SELECT coalesce(json_agg(json_build_object('chatId', b.chat_id, 'type', b.type, 'name', b.name, 'messageCount', b.last_ordinal, 'memberCount', b.member_count,
                       'lastMessageAt', chat.rfc3339(b.last_message_at)) ORDER BY b.last_ordinal DESC), '[]'::json)
              FROM (SELECT h.*, c.type, c.name FROM chat.chat_head h JOIN chat.chat_session c ON c.id = h.chat_id
                    WHERE c.deleted_at IS NULL ORDER BY h.last_ordinal DESC LIMIT 10) b) AS "biggestChats"`,
  }, [])
  if (!row) throw new Error('A SELECT without FROM has a row')
  return row
}
