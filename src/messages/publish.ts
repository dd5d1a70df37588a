import type { FastifyInstance } from 'fastify'
import type { ChatFrame } from '../realtime/frames.ts'
import type { SendOutcome } from './queries.ts'
import { Writer } from './writer.ts'

/** The writer of this process: what it commits goes to the hub. */
export function messageWriter (app: FastifyInstance): Writer {
  const writer = new Writer(app.db, app.log, {
    created: outcomes => app.hub.publish(outcomes.map(receivedFrame)),
    found: outcomes => { for (const { chatId, revision } of outcomes) app.hub.expectChat(chatId, revision) },
  })
  app.addHook('onClose', () => writer.drain())
  return writer
}

function receivedFrame ({ chatId, seq, senderId, previousRevision, revision, message, watermark }: SendOutcome): ChatFrame {
  return {
    kind: 'chat',
    type: 'message_received',
    chatId,
    previousRevision,
    revision,
    data: watermark === null ? `{"message":${message}}` : `{"message":${message},"watermark":${watermark}}`,
    message: { seq, senderId },
  }
}
