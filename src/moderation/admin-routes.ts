import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { codes } from '../errors.ts'
import { requireAdmin } from '../plugins/admin.ts'
import { UserRef } from '../primitives.ts'
import { sendJson } from '../rest.ts'
import type { BansService } from './bans.ts'
import type { ReviewService } from './review.ts'
import { AdminReportReply, Ban, BanUser, ListReports, ReportPage, ReportRef, ReportView, ResolveReport } from './schemas.ts'

export const moderationAdminRoutes: FastifyPluginAsyncTypebox<{ review: ReviewService, bans: BansService }> = async (app, { review, bans }) => {
  app.addHook('onRequest', requireAdmin)

  app.get('/admin/reports', { schema: list }, async (request, reply) => sendJson(reply, await review.list(request.query)))
  app.get('/admin/reports/:reportId', { schema: get }, async (request, reply) => sendJson(reply, await review.get(request.params.reportId)))
  app.post('/admin/reports/:reportId/resolve', { schema: resolve }, async (request, reply) =>
    sendJson(reply, await review.resolve(request.admin, request.params.reportId, request.body)))

  app.post('/admin/users/:userId/ban', { schema: ban }, request => bans.ban(request.admin, request.params.userId, request.body))
  app.post('/admin/users/:userId/unban', { schema: unban }, request => bans.unban(request.admin, request.params.userId))
}

const tags = ['admin']
const list = { tags, operationId: 'admin_get_reports', errors: codes('ROLE_REQUIRED'), summary: 'Reports', description: 'Oldest first.', querystring: ListReports, response: { 200: ReportPage } }
const get = { tags, operationId: 'admin_get_report', errors: codes('ROLE_REQUIRED', 'REPORT_NOT_FOUND'), summary: 'A report, with what was said around the message', params: ReportRef, response: { 200: ReportView } }
const resolve = {
  tags,
  operationId: 'admin_resolve_report', errors: codes('ROLE_REQUIRED', 'REPORT_NOT_FOUND', 'REPORT_RESOLVED', 'TARGET_IS_SELF', 'USER_NOT_FOUND'),
  summary: 'Resolve a report',
  description: 'And do it: delete the message for everybody, or ban its sender from the application (for ever, or for `banSeconds`). Resolved in another way already: 409.',
  params: ReportRef,
  body: ResolveReport,
  response: { 200: AdminReportReply },
}
const ban = {
  tags,
  operationId: 'admin_ban_user', errors: codes('ROLE_REQUIRED', 'TARGET_IS_SELF', 'USER_NOT_FOUND'),
  summary: 'Ban a user from the application',
  description: 'For some seconds, until a time, or for ever. Their sockets are closed with 4403.',
  params: UserRef,
  body: BanUser,
  response: { 200: Ban },
}
const unban = { tags, operationId: 'admin_unban_user', errors: codes('ROLE_REQUIRED', 'USER_NOT_FOUND'), summary: 'Let a banned user in again', params: UserRef, response: { 200: Ban } }
