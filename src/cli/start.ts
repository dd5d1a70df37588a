import { parseArgs } from 'node:util'

/** The server, in this process: signals and exit codes are its own. */
export async function start (args: string[]): Promise<void> {
  parseArgs({ args, options: {} })
  if (process.env.NODE_ENV !== 'production') await import('./build.ts') // as npm does before `npm start`; an image brings what has been built
  await import('../server.ts')
}
