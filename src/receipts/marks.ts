import type { FastifyBaseLogger } from 'fastify'
import { GroupCommit } from '../group-commit.ts'
import type { Queryable } from '../plugins/database.ts'
import type { FleetingFrame } from '../realtime/frames.ts'
import type { Hub } from '../realtime/hub.ts'
import { ownWatermarkFrames, watermarkFrames } from './frames.ts'
import { markMany, type Mark, type Marked, type Marking } from './queries.ts'

const BATCHES = 2

export type Marks = GroupCommit<Mark, Marking>

/** Moves the watermarks of this process's users, by group commit: what has moved goes to the hub. */
export function groupMarks ({ db, hub, log }: { db: Queryable, hub: Pick<Hub, 'publish'>, log: FastifyBaseLogger }): Marks {
  return new GroupCommit(log, {
    name: 'marks',
    batches: BATCHES,
    keyOf: ({ chatId, userId }) => `${chatId} ${userId}`,
    maxOfKey: 1,
    commit: (items, options) => markMany(db, items, options),
    onCommitted: done => {
      hub.publish(done.flatMap(({ item, outcome, isRepeat }) => outcome.status === 'marked' ? framesOf(item, outcome, isRepeat) : []))
    },
  })
}

/** Of what may have moved before, without anybody having been told, where it stands is said (again). */
function framesOf ({ chatId, userId, isRead }: Mark, marked: Marked, isRepeat: boolean): FleetingFrame[] {
  const { readSeq, deliveredSeq, publicReadSeq, blocked, isSmall } = marked
  const moved = isRepeat
    ? { read: isRead, delivered: true, publicRead: isRead && publicReadSeq === readSeq }
    : { read: marked.readMoved, delivered: marked.deliveredMoved, publicRead: marked.publicReadMoved }
  const movement = { chatId, userId, at: marked.at.toISOString(), readSeq, deliveredSeq, publicReadSeq, hiddenFrom: blocked, moved }
  return isSmall ? watermarkFrames(movement) : ownWatermarkFrames(movement)
}
