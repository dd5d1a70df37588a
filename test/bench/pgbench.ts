import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { distribution, type Distribution } from './figures.ts'

const run = promisify(execFile)

/** The embedded binaries come without it: PostgreSQL's contrib, of the system, of whatever version. */
async function findPgbench (): Promise<string> {
  const packaged = await readdir('/usr/lib/postgresql').catch(() => [])
  const places = [...(process.env.PATH ?? '').split(delimiter).map(dir => join(dir, 'pgbench')), ...packaged.map(major => join('/usr/lib/postgresql', major, 'bin', 'pgbench'))]
  for (const place of places) if (await access(place, constants.X_OK).then(() => true, () => false)) return place
  throw new Error('This benchmark is held against pgbench, which is neither on PATH nor under /usr/lib/postgresql: install PostgreSQL\'s contrib programs (Debian: postgresql-contrib)')
}

export interface PgbenchOptions {
  databaseUrl: string
  /** What each transaction does. Prepared. `:client_id` is the number of the client, from 0. */
  script: string
  clients: number
  seconds: number
  /** So many transactions in all a second, at random distances, instead of as many as it can. */
  rate?: number
}

/** `latency`: of a transaction, in ms, from when it really began. */
export interface PgbenchResult { perSecond: number, latency: Distribution }

/** Runs PostgreSQL's own load generator, the reference for what the database can do. */
export async function pgbench ({ databaseUrl, script, clients, seconds, rate }: PgbenchOptions): Promise<PgbenchResult> {
  const program = await findPgbench()
  const dir = await mkdtemp(join(tmpdir(), 'parley-pgbench-'))
  try {
    await writeFile(join(dir, 'script.sql'), script)
    const { stdout } = await run(program, [
      '--no-vacuum', '--protocol=prepared', `--file=${join(dir, 'script.sql')}`, `--client=${clients}`, '--jobs=1', `--time=${seconds}`,
      '--log', `--log-prefix=${join(dir, 'log')}`, ...(rate === undefined ? [] : [`--rate=${rate}`]), databaseUrl,
    ])
    const perSecond = Number(/tps = ([\d.]+) \(without/.exec(stdout)?.[1])
    const failed = /number of failed transactions: (\d+)/.exec(stdout)?.[1] ?? '0'
    if (!(perSecond > 0) || failed !== '0') throw new Error(`pgbench has failed: ${stdout}`)
    return { perSecond, latency: distribution(await latencies(dir)) }
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** A line a transaction: client, number, µs, script, time, µs of it; with --rate also how late it began, in µs, which counts in the third. */
async function latencies (dir: string): Promise<number[]> {
  const logs = (await readdir(dir)).filter(name => name.startsWith('log'))
  const texts = await Promise.all(logs.map(name => readFile(join(dir, name), 'utf8')))
  return texts.flatMap(text => text.trimEnd().split('\n')).map(line => {
    const [, , took, , , , late = '0'] = line.split(' ')
    return (Number(took) - Number(late)) / 1000
  })
}
