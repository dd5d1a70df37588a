import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import { freePort, whenListening } from '../ports.ts'

const NAMES = ['valkey-server', 'redis-server']

/** A Redis or Valkey of this machine, if one is installed: on loopback, with nothing on disk. */
export async function startRedis (): Promise<{ url: string, child: ChildProcess } | null> {
  const program = (process.env.PATH ?? '').split(delimiter).flatMap(dir => NAMES.map(name => join(dir, name))).find(file => existsSync(file))
  if (!program) return null
  const port = await freePort()
  const child = spawn(program, ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore', detached: true })
  await Promise.race([whenListening(port), once(child, 'exit').then(() => { throw new Error(`${program} has ended`) })])
  return { url: `redis://127.0.0.1:${port}`, child }
}
