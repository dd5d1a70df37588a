import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSigner } from 'fast-jwt'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import { buildApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import type { Bus } from '../../src/realtime/bus/bus.ts'
import { serves } from './contract.ts'
import { createDatabase } from './database.ts'

export const JWT_SECRET = 'a secret for tests that is 32 bytes long, or more'

export interface TestClaims { name?: string, picture?: string, role?: string, exp?: number, iat?: number, [claim: string]: unknown }

export interface Parley {
  app: FastifyInstance
  databaseUrl: string
  /** Where its files are; nothing is there until the first one comes. */
  mediaDir: string
  /** http://127.0.0.1:port */
  url: string
  /** The WebSocket endpoint. */
  wsUrl: string
  token: (userId: string, claims?: TestClaims) => string
}

let folders = 0

const sign = createSigner({ key: JWT_SECRET, algorithm: 'HS256' })

/** Signed with the secret of the tests; valid for an hour. */
export function token (userId: string, claims: TestClaims = {}): string {
  return sign({ sub: userId, exp: Math.floor(Date.now() / 1000) + 3600, ...claims })
}

/** A server of its own, on a database of its own, with no rate limits unless they are set, and no job but those that are run. `settings` are environment variables. */
export async function startParley (t: Test, settings: Record<string, string> = {}, bus?: Bus): Promise<Parley> {
  const databaseUrl = settings.DATABASE_URL ?? await createDatabase(t)
  const dataDir = join(tmpdir(), `parley-test-data-${process.pid}-${++folders}`) // made by the first upload
  const config = loadConfig({ DATABASE_URL: databaseUrl, JWT_SECRET, PORT: '0', HOST: '127.0.0.1', RATE_LIMIT_COMMANDS: '0', RATE_LIMIT_REQUESTS: '0', RATE_LIMIT_ACCEPTS: '0', DRAIN_SECONDS: '1', JOBS: 'off', DATA_DIR: dataDir, ...settings })
  const app = await buildApp(config, pino({ level: process.env.LOG_LEVEL ?? 'fatal' }), bus)
  t.after(async () => {
    await app.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const url = await app.listen({ host: config.host, port: config.port })
  serves(url, app)
  return { app, databaseUrl, mediaDir: config.media.dir, url, wsUrl: `${url.replace('http', 'ws')}/api/v1/chat/ws`, token }
}
