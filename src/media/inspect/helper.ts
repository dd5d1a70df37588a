import { ApiError, type ErrorCode } from '../../errors.ts'
import { look, type Inspected, type Look } from './look.ts'

// A process that looks at one file after another, and ends with the one that has started it.

export type Answer = { found: Inspected } | { refused: { code: ErrorCode, message: string, details: unknown, cause: string } } | { failed: string }

/** @param memory of this process, in bytes: decoders do not give back all that they have used */
export type Reply = Answer & { memory: number }

// At once: exit() would wait for a thread that does not come back from a file.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
// Ctrl-C and systemd tell all processes; the server finishes what is under way.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
process.on('message', async (task: Look) => {
  const answer = await answerTo(task)
  process.send!({ ...answer, memory: process.memoryUsage.rss() } satisfies Reply)
})

async function answerTo (task: Look): Promise<Answer> {
  try {
    return { found: await look(task) }
  } catch (error) {
    if (!(error instanceof ApiError)) return { failed: String(error instanceof Error ? error.stack : error) }
    const { code, message, details, cause } = error
    return { refused: { code, message, details, cause: String(cause ?? '') } }
  }
}
