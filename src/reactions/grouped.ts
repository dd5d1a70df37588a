import type { FastifyBaseLogger } from 'fastify'
import { GroupCommit } from '../group-commit.ts'
import type { Queryable } from '../plugins/database.ts'
import type { ChatFrame } from '../realtime/frames.ts'
import type { Hub } from '../realtime/hub.ts'
import { reactMany, type Reacted, type Reacting } from './queries.ts'

const BATCHES = 2
const MAX_BATCH_OF_A_CHAT = 128

export type Reactions = GroupCommit<Reacting, Reacted>

/** Changes the reactions of this process's users, by group commit: what has changed goes to the hub. */
export function groupReactions ({ db, hub, log }: { db: Queryable, hub: Pick<Hub, 'publish' | 'doubt'>, log: FastifyBaseLogger }): Reactions {
  return new GroupCommit(log, {
    name: 'reactions',
    batches: BATCHES,
    keyOf: ({ chatId }) => chatId,
    maxOfKey: MAX_BATCH_OF_A_CHAT,
    commit: (items, options) => reactMany(db, items, options),
    onCommitted: done => {
      hub.publish(done.flatMap(({ item, outcome }) => outcome.status === 'changed' ? frameOf(item, outcome) : []))
      // What is done already may have been done the first time, when nobody was told.
      for (const { item: { chatId }, outcome, isRepeat } of done) if (isRepeat && outcome.status === 'unchanged') hub.doubt({ chatId })
    },
  })
}

/** JSON of a ReactionChange. */
export function encodeChange ({ userId, emoji }: Reacting, { message }: Reacted): string {
  return `{"message":${message},"userId":${JSON.stringify(userId)},"emoji":${JSON.stringify(emoji)}}`
}

function frameOf (item: Reacting, outcome: Reacted): ChatFrame {
  const { revision, previousRevision, senderId } = outcome
  return {
    kind: 'chat', chatId: item.chatId, type: item.isAdded ? 'reaction_added' : 'reaction_removed', previousRevision, revision, data: encodeChange(item, outcome), message: { seq: item.seq, senderId },
  }
}
