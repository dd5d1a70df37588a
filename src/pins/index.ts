import type { FastifyPluginAsync } from 'fastify'
import { pinCommands } from './commands.ts'
import { pinRoutes } from './routes.ts'
import type { PinsService } from './service.ts'

export const pins: FastifyPluginAsync<{ pins: PinsService }> = async (app, options) => {
  pinCommands(app.commands, options.pins)
  await app.register(pinRoutes, options)
}
