// Time and accidents, for jobs.
import type { Parley } from './parley.ts'

/** What the function is made for. */
const BATCH = 256

/** The chat's messages up to a seq were sent so many days ago. */
export async function age ({ app }: Pick<Parley, 'app'>, chatId: string, upToSeq: number, days: number): Promise<void> {
  await app.db.pool.query('UPDATE chat.chat_message SET created_at = created_at - make_interval(days => $3) WHERE chat_id = $1 AND seq <= $2', [chatId, upToSeq, days])
}

/** So many messages of somebody's. */
export async function fill ({ app }: Pick<Parley, 'app'>, chatId: string, senderId: string, count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, n) => ({ chatId, senderId, content: `number ${n}`, clientMessageId: `fill-${n}`, requestHash: '' }))
  for (let first = 0; first < count; first += BATCH) await app.db.pool.query('SELECT FROM chat.send_messages($1::jsonb)', [JSON.stringify(items.slice(first, first + BATCH))])
}

/** A job looks at it between two transactions: it gets through so many of them, and dies. */
export function killedAfter (transactions: number): AbortSignal {
  let left = transactions
  const controller = new AbortController()
  const look = controller.signal.throwIfAborted.bind(controller.signal)
  return Object.assign(controller.signal, {
    throwIfAborted () {
      if (left-- <= 0) controller.abort(new Error('killed'))
      look()
    },
  })
}
