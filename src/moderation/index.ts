import type { FastifyPluginAsync } from 'fastify'
import { moderationAdminRoutes } from './admin-routes.ts'
import type { BansService } from './bans.ts'
import { moderationCommands } from './commands.ts'
import { moderationJobs } from './jobs.ts'
import type { ReportsService } from './reports.ts'
import type { ReviewService } from './review.ts'
import { reportRoutes } from './routes.ts'

export const moderation: FastifyPluginAsync<{ reports: ReportsService, review: ReviewService, bans: BansService }> = async (app, services) => {
  moderationCommands(app.commands, services.reports)
  moderationJobs(app.jobs, services.review)
  await app.register(reportRoutes, services)
  await app.register(moderationAdminRoutes, services)
}
