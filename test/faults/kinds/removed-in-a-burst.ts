import { insist } from '../scene/insist.ts'
import type { Place } from '../scene/place.ts'
import type { Fault } from './fault.ts'

const TIMES = 10
const BURST = 20

/** Of a burst of messages, some are in when their sender is removed, and the others are not. */
async function removeInBurst ({ crowd }: Place, number: number): Promise<void> {
  const [owner, ...others] = crowd.people
  const member = others[number]
  const chatId = crowd.chatIds[0]
  if (!owner || !member || chatId === undefined) throw new Error('There are too few people')
  const burst = Array.from({ length: BURST }, () => member.send(chatId))
  await insist(() => owner.client.command('remove_participant', { chatId, userId: member.userId }))
  await Promise.all(burst)
  await insist(() => owner.client.command('add_participants', { chatId, userIds: [member.userId] }))
}

export const removedInABurst: Fault = {
  name: 'removed-in-a-burst',
  what: `${TIMES} times somebody sends ${BURST} messages at once on one node and is removed in the middle of it on another`,
  async strike (place) {
    for (let times = 0; times < TIMES; times++) await removeInBurst(place, times % 5)
  },
}
