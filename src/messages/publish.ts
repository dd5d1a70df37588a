import type { FastifyInstance } from 'fastify'
import type { ChatFrame, MessageFacts } from '../realtime/frames.ts'
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

function receivedFrame (outcome: SendOutcome): ChatFrame {
  const { chatId, previousRevision, revision } = outcome
  const { data, ...event } = receivedEvent(outcome)
  return { ...event, kind: 'chat', chatId, previousRevision, revision, data }
}

/** The event of a new message. */
export function receivedEvent ({ seq, senderId, message, threadRoot, participant, watermark }: SendOutcome): Pick<ChatFrame, 'type' | 'data' | 'message' | 'threadRoot'> {
  const parts = Object.entries({ message, threadRoot, participant, watermark }).filter(([, json]) => json !== null)
  return {
    type: 'message_received',
    data: `{${parts.map(([name, json]) => `"${name}":${json}`).join(',')}}`,
    message: { seq, senderId },
    ...(threadRoot !== null && { threadRoot: factsOf(threadRoot) }),
  }
}

/** What the hub has to know of a message, of its JSON. */
export function factsOf (message: string): MessageFacts {
  const { seq, senderId }: MessageFacts = JSON.parse(message)
  return { seq, senderId }
}
