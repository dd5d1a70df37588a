import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../../config.ts'
import type { Listener } from '../listener.ts'
import type { Bus } from './bus.ts'
import { MemoryBus } from './memory.ts'
import { PostgresBus } from './postgres.ts'
import { RedisBus } from './redis.ts'

export interface BusServices { listener: Listener, /** As `Sweep.epoch`. */ epoch: () => string, log: FastifyBaseLogger }

/** The bus of the settings. */
export function createBus (config: Config, { listener, epoch, log }: BusServices): Bus {
  const url = config.database.directUrl ?? config.database.url ?? ''
  if (config.bus === 'postgres') return new PostgresBus(url, listener, log)
  if (config.bus === 'redis' && config.redis) return new RedisBus(config.redis, epoch, log, { url, listener })
  return new MemoryBus()
}
