import type { FastifyInstance } from 'fastify'
import type { ChatFrame, FleetingFrame, Frame, MessageFacts } from '../realtime/frames.ts'
import { watermarkFrames } from '../receipts/frames.ts'
import type { SendOutcome } from './queries.ts'
import { Writer } from './writer.ts'

/** The writer of this process: what it commits goes to the hub, and `committed` is told. */
export function messageWriter (app: FastifyInstance, committed: (chatId: string, seq: number) => void): Writer {
  const writer = new Writer(app.db, app.log, {
    created: outcomes => {
      app.hub.publish(outcomes.flatMap(receivedFrames))
      for (const { chatId, seq } of outcomes) committed(chatId, seq)
    },
    batch: (size, waitedMs, tookMs) => {
      app.metrics.batchSize.observe(size)
      app.metrics.batchWait.observe(waitedMs / 1000)
      app.metrics.batchTime.observe(tookMs / 1000)
    },
    found: outcomes => { for (const { chatId, revision } of outcomes) app.hub.expectChat(chatId, revision) },
  })
  app.addHook('onClose', () => writer.drain())
  return writer
}

interface SenderWatermark { userId: string, deliveredSeq: number, readSeq: number, publicReadSeq?: number, hiddenFrom?: string[] }

export interface Received {
  event: Pick<ChatFrame, 'type' | 'data' | 'message' | 'threadRoot'>
  /** A watermark that is not for everybody goes its own way. */
  beside: FleetingFrame[]
}

/** What a new message is told by. */
export function received (outcome: SendOutcome): Received {
  const watermark: SenderWatermark | null = outcome.watermark === null ? null : JSON.parse(outcome.watermark)
  if (watermark?.publicReadSeq === undefined) return { event: receivedEvent(outcome), beside: [] }
  const { publicReadSeq, hiddenFrom, ...own } = watermark
  const moved = { delivered: true, read: true, publicRead: publicReadSeq === own.readSeq }
  const beside = watermarkFrames({ ...own, chatId: outcome.chatId, at: new Date().toISOString(), publicReadSeq, hiddenFrom: hiddenFrom ?? [], moved })
  return { event: receivedEvent({ ...outcome, watermark: null }), beside }
}

function receivedFrames (outcome: SendOutcome): Frame[] {
  const { chatId, previousRevision, revision } = outcome
  const { event, beside } = received(outcome)
  return [{ ...event, kind: 'chat', chatId, previousRevision, revision }, ...beside]
}

function receivedEvent ({ seq, senderId, message, threadRoot, participant, watermark }: SendOutcome): Received['event'] {
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
