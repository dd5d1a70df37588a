import { CLOSE } from './protocol.ts'

/** Of the time that there is; the rest is for what is still under way then. */
const SHARE = 0.6
const BATCH_MS = 100
/** So few may all come back at once. */
const MIN_BATCH = 100

export interface Drained {
  /** Takes no more commands, answers those under way, and closes. */
  drain (): Promise<void>
  close (code: number): void
}

/**
 * Sends everybody away, a batch at a time, so that they do not come to the other nodes as one wave. Who is not yet told goes on as if nothing were.
 * @returns when all have gone, or the time is over and nothing is waited for any more
 */
export async function drain (connections: Drained[], withinMs: number): Promise<void> {
  const atOnce = Math.max(MIN_BATCH, Math.ceil(connections.length * BATCH_MS / (withinMs * SHARE)))
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>(resolve => { timer = setTimeout(resolve, withinMs).unref() })
  const all = async () => {
    const leaving: Promise<void>[] = []
    for (let from = 0; from < connections.length; from += atOnce) {
      if (from > 0) await new Promise(resolve => setTimeout(resolve, BATCH_MS))
      leaving.push(...connections.slice(from, from + atOnce).map(connection => connection.drain()))
    }
    await Promise.all(leaving)
  }
  await Promise.race([all(), over])
  clearTimeout(timer)
  for (const connection of connections) connection.close(CLOSE.GOING_AWAY)
}
