import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { MessageRef } from '../primitives.ts'
import type { ReportsService } from './reports.ts'
import { ReportMessage, ReportReply } from './schemas.ts'

export const reportRoutes: FastifyPluginAsyncTypebox<{ reports: ReportsService }> = async (app, { reports }) => {
  app.post('/messages/:messageId/report', { schema: report }, async (request, reply) => {
    const { created, reply: body } = await reports.report(request.identity.userId, request.params.messageId, request.body.reason)
    return reply.code(created ? 201 : 200).send(body)
  })
}

const report = {
  tags: ['moderation'],
  operationId: 'report_message',
  summary: 'Report a message to the administrators',
  description: 'Once each; nobody else is told. They see the message as it is now, also when it is edited or deleted later. Again: 200, the first report.',
  params: MessageRef,
  body: ReportMessage,
  response: { 200: ReportReply, 201: ReportReply },
}
