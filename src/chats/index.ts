import type { FastifyPluginAsync } from 'fastify'
import { chatCommands } from './commands.ts'
import type { MembersService } from './members.ts'
import { chatRoutes } from './routes.ts'
import type { ChatsService } from './service.ts'

export const chats: FastifyPluginAsync<{ chats: ChatsService, members: MembersService }> = async (app, options) => {
  chatCommands(app.commands, options.chats, options.members)
  await app.register(chatRoutes, options)
}
