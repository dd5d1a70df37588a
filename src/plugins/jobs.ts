import fp from 'fastify-plugin'
import type { FastifyBaseLogger } from 'fastify'
import { PgBoss } from 'pg-boss'
import type { Config } from '../config.ts'
import { StartError } from '../start-error.ts'
import { withoutSchema, type Database } from './database.ts'

/** Work that is due by the clock. Of all nodes one does it at a time; what is left of it when it is cut off is done the next time. */
export interface Job {
  /** Of the queue, and in the log. */
  name: string
  /** In UTC. */
  cron: string
  /** Looks at the signal between two transactions, and throws its reason. @returns what has been done, for the log */
  run: (signal: AbortSignal) => Promise<object>
}

declare module 'fastify' {
  interface FastifyInstance { jobs: Jobs }
}

/** pg-boss has tables of its own, and changes them by itself. Not `pgboss`: the application may have one that is of another version. */
export const JOBS_SCHEMA = 'chat_jobs'
const CONNECTIONS = 2
/** A job that takes longer is taken for dead, and may begin elsewhere. It is told by its signal. */
const EXPIRE_SECONDS = 3_600
const RETRIES = { retryLimit: 3, retryDelay: 60, retryBackoff: true }
/** How long the log of jobs that are done is kept in the database. */
const KEEP_SECONDS = 7 * 86_400
const PERMISSION_DENIED = '42501'

export interface JobsOptions {
  /** Straight to PostgreSQL, not through a pooler. */
  url: string
  log: FastifyBaseLogger
  /** How often a node looks for a job that is due, and whether one has become due. */
  pollSeconds?: number
  cronSeconds?: number
  /** What stopping leaves to a job that is under way. */
  drainMs: number
}

/** The jobs by their name. Each slice's `jobs.ts` puts its own in. */
export class Jobs {
  readonly #jobs = new Map<string, Job>()
  readonly #options: JobsOptions
  readonly #stopping = new AbortController()
  #boss: PgBoss | undefined

  constructor (options: JobsOptions) {
    this.#options = options
  }

  on (job: Job): this {
    this.#jobs.set(job.name, job)
    return this
  }

  /** Now and here, by the clock or not. */
  async run (name: string, signal: AbortSignal = this.#stopping.signal): Promise<object> {
    const job = this.#jobs.get(name)
    if (!job) throw new Error(`There is no job ${name}`)
    return job.run(signal)
  }

  /** From now on the jobs are done when they are due, here or on another node. @throws {StartError} if the schema may not be made */
  async start (db: Database): Promise<void> {
    const { url, log, pollSeconds = 15, cronSeconds = 30 } = this.#options
    const boss = new PgBoss({
      connectionString: withoutSchema(url),
      application_name: 'parley jobs',
      schema: JOBS_SCHEMA,
      createSchema: !await hasSchema(db), // PostgreSQL asks for the right to make one even IF NOT EXISTS
      max: CONNECTIONS,
      cronMonitorIntervalSeconds: cronSeconds,
      cronWorkerIntervalSeconds: pollSeconds,
    })
    // The database may be away for a while: pg-boss goes on asking.
    boss.on('error', err => log.warn({ err }, 'the jobs have met an error'))
    boss.on('warning', warning => log.warn({ warning }, 'a warning about the jobs'))
    this.#boss = boss
    try {
      await boss.start()
      for (const job of this.#jobs.values()) await this.#schedule(boss, job, pollSeconds)
    } catch (cause) {
      throw startError(cause)
    }
  }

  /** What is under way ends after its transaction, and is begun again later. */
  async stop (): Promise<void> {
    this.#stopping.abort(new Error('The process is going away'))
    await this.#boss?.stop({ timeout: this.#options.drainMs })
  }

  async #schedule (boss: PgBoss, { name, cron }: Job, pollSeconds: number): Promise<void> {
    const queue = { ...RETRIES, expireInSeconds: EXPIRE_SECONDS, deleteAfterSeconds: KEEP_SECONDS }
    await boss.createQueue(name, { policy: 'exclusive', ...queue }) // never two of them, waiting or under way
    await boss.updateQueue(name, queue) // where an older version has made it
    await boss.schedule(name, cron)
    await boss.work(name, { pollingIntervalSeconds: pollSeconds }, async ([due]) => due && this.#work(name, due.signal))
  }

  async #work (name: string, expired: AbortSignal): Promise<object> {
    const { log } = this.#options
    const startedAt = performance.now()
    try {
      const done = await this.run(name, AbortSignal.any([expired, this.#stopping.signal]))
      log.info({ job: name, ...done, ms: Math.round(performance.now() - startedAt) }, 'job done')
      return done
    } catch (err) {
      if (this.#stopping.signal.aborted) log.info({ job: name }, 'job cut off')
      else log.error({ err, job: name }, 'job failed')
      throw err // so that it is tried again
    }
  }
}

async function hasSchema (db: Database): Promise<boolean> {
  const [row] = await db.query<{ exists: boolean }>({ name: 'jobs.hasSchema', text: 'SELECT to_regnamespace($1) IS NOT NULL AS exists' }, [JOBS_SCHEMA])
  return row?.exists === true
}

function startError (cause: unknown): unknown {
  if (!(cause instanceof Error && 'code' in cause && cause.code === PERMISSION_DENIED)) return cause
  return new StartError(`JOBS: this user of the database may not make what the jobs need (${cause.message}): ` +
    `have CREATE SCHEMA ${JOBS_SCHEMA} AUTHORIZATION that user done, or set JOBS to off and leave the jobs to another process`, { cause })
}

/** Jobs by pg-boss, in a schema of its own. Started when all slices have put theirs in. */
export const jobs = fp<{ config: Config }>(async (app, { config }) => {
  const { url, directUrl } = config.database
  const jobs = new Jobs({ url: directUrl ?? url ?? '', log: app.log, drainMs: config.realtime.drainMs })
  app.decorate('jobs', jobs)
  app.addHook('onReady', async () => {
    if (config.jobs) await jobs.start(app.db)
  })
  app.addHook('onClose', () => jobs.stop())
}, { name: 'jobs', dependencies: ['database'] })
