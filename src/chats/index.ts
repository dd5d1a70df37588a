import type { FastifyPluginAsync } from 'fastify'
import { chatCommands } from './commands.ts'
import { chatJobs } from './jobs.ts'
import type { MembersService } from './members.ts'
import type { MembershipsService } from './memberships.ts'
import type { RemovalService } from './removal.ts'
import type { RequestsService } from './requests.ts'
import { chatRoutes } from './routes.ts'
import type { SanctionsService } from './sanctions.ts'
import type { ChatsService } from './service.ts'

export interface ChatServices {
  chats: ChatsService
  members: MembersService
  memberships: MembershipsService
  sanctions: SanctionsService
  requests: RequestsService
  removal: RemovalService
}

export const chats: FastifyPluginAsync<ChatServices> = async (app, services) => {
  chatCommands(app.commands, services)
  chatJobs(app.jobs, services.removal)
  await app.register(chatRoutes, services)
}
