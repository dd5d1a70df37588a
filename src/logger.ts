import type { FastifyBaseLogger } from 'fastify'
import { pino, type LoggerOptions } from 'pino'
import type { Config } from './config.ts'

const TOKENS = ['req.headers.authorization', 'req.headers["sec-websocket-protocol"]']
/** Where PostgreSQL's errors quote the row. */
const CONTENTS = ['err.detail', 'err.where', 'err.cause.detail', 'err.cause.where']

/** One line of JSON an event, on stdout; `readable` is for a person at a terminal. Neither tokens nor messages get into it. */
export async function createLogger (level: Config['logLevel'], { readable }: { readable: boolean }): Promise<FastifyBaseLogger> {
  const options: LoggerOptions = { level, redact: [...TOKENS, ...CONTENTS] }
  if (!readable) return pino(options)
  const { default: pretty } = await import('pino-pretty')
  return pino(options, pretty({ sync: true, translateTime: 'HH:MM:ss', ignore: 'pid,hostname' }))
}
