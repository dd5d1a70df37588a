import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../../config.ts'
import type { Listener } from '../listener.ts'
import type { Bus } from './bus.ts'
import { MemoryBus } from './memory.ts'
import { PostgresBus } from './postgres.ts'

/** The bus of the settings. */
export function createBus (config: Config, listener: Listener, log: FastifyBaseLogger): Bus {
  if (config.bus === 'postgres') return new PostgresBus(config.database.directUrl ?? config.database.url ?? '', listener, log)
  return new MemoryBus()
}
