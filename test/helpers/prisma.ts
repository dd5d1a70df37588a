import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'

/** Runs a command of Prisma's CLI, with the stand-in for its native engine, as somebody would by hand in the folder `cwd`. */
export async function prisma (args: string[], { databaseUrl, cwd = '.' }: { databaseUrl: string, cwd?: string }): Promise<{ code: number, output: string }> {
  const child = spawn(process.execPath, [resolve('node_modules/prisma/build/index.js'), ...args], {
    cwd,
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      DATABASE_DIRECT_URL: '',
      PRISMA_SCHEMA_ENGINE_BINARY: resolve('prisma/schema-engine.mjs'), // not the native one, where it is installed
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { code, output: stdout + stderr }
}
