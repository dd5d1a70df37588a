import { parseArgs } from 'node:util'

/** The server, in this process: signals and exit codes are its own. */
export async function start (args: string[]): Promise<void> {
  parseArgs({ args, options: {} })
  await import('../../prisma/generate.ts') // as npm does before `npm start`
  await import('../server.ts')
}
