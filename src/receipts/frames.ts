import type { FleetingFrame } from '../realtime/frames.ts'

/** A member's watermark that has moved. */
export interface Movement {
  chatId: string
  userId: string
  at: string
  readSeq: number
  deliveredSeq: number
  /** What others are told of it: less, when some was read privately. */
  publicReadSeq: number
  /** Whom the member blocks. */
  hiddenFrom: string[]
  /** What of it has moved. */
  moved: { read: boolean, delivered: boolean, publicRead: boolean }
}

/**
 * Who is told what. One's own devices are always told the truth; others of the chat what is public, unless one of the two
 * blocks the other. What is read has been got: one event says both.
 */
export function watermarkFrames ({ chatId, userId, at, readSeq, deliveredSeq, publicReadSeq, hiddenFrom, moved }: Movement): FleetingFrame[] {
  const read = (seq: number) => ({ kind: 'fleeting', type: 'messages_read', chatId, data: JSON.stringify({ userId, readSeq: seq, at }) } as const)
  const delivered = { kind: 'fleeting', type: 'messages_delivered', chatId, data: JSON.stringify({ userId, deliveredSeq, at }) } as const
  const toOthers = { actorId: userId, hiddenFrom }
  if (moved.publicRead) return [{ ...read(publicReadSeq), ...toOthers, toActor: true }]
  if (moved.read) return [{ ...read(readSeq), userIds: [userId] }, ...(moved.delivered ? [{ ...delivered, ...toOthers }] : [])]
  return moved.delivered ? [{ ...delivered, ...toOthers, toActor: true }] : []
}

/** The same in a chat of many, where nobody else is told. */
export function ownWatermarkFrames (movement: Movement): FleetingFrame[] {
  return watermarkFrames(movement).filter(frame => frame.userIds ?? frame.toActor).map(frame => ({ ...frame, userIds: [movement.userId] }))
}
