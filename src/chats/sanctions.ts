import type { Change, Changes, LockedParticipant } from '../changes.ts'
import { ApiError } from '../errors.ts'
import { writeSystemMessage } from '../messages/system.ts'
import { announceParticipants } from './announce.ts'
import { passOn } from '../support/assignee.ts'
import { addToMemberCount, leaveChat, silenceParticipant } from './queries.ts'
import { isAbove, requireRole } from './roles.ts'
import type { ParticipantChange, Silence } from './schemas.ts'

export type SanctionsService = ReturnType<typeof sanctionsService>

/** Keeping order in a chat: who may not be in it, who may not speak for a time. MODERATOR and above, over those of a lesser role. */
export function sanctionsService (changes: Changes) {
  function sanction (
    actorId: string, chatId: string, userId: string, work: (change: Change, target: LockedParticipant) => Promise<ParticipantChange>
  ): Promise<ParticipantChange> {
    return changes.run({ chatId, participants: [actorId, userId], inboxes: [userId] }, async change => {
      const actor = change.member(actorId)
      requireRole(actor.role, 'MODERATOR')
      const target = change.participants.get(userId)
      if (!target) throw new ApiError('USER_NOT_FOUND')
      if (!isAbove(actor.role, target.role)) throw new ApiError('ROLE_REQUIRED')
      return work(change, target)
    })
  }

  async function setState (change: Change, actorId: string, { userId, state }: LockedParticipant, to: 'BANNED' | 'LEFT', reason: 'banned' | 'unbanned'): Promise<ParticipantChange> {
    const notice = await writeSystemMessage(change, { kind: `participant_${reason}`, actorId, targetIds: [userId] })
    const inboxRevisions = await change.takeInboxRevisions([userId])
    const participants = await leaveChat(change.tx, change.chatId, userId, { state: to, revision: await change.takeRevisions(), inboxRevision: inboxRevisions.get(userId) ?? 0 })
    if (state !== 'JOINED') return announceParticipants(change, 'participant_updated', reason, actorId, notice, participants)
    const memberCount = await addToMemberCount(change.tx, change.chatId, -1)
    const answer = announceParticipants(change, 'participant_left', reason, actorId, notice, participants, { left: [userId], memberCount })
    await passOn(change, userId)
    return answer
  }

  async function setSilence (change: Change, actorId: string, { userId, state }: LockedParticipant, until: string | null): Promise<ParticipantChange> {
    if (state !== 'JOINED') throw new ApiError('USER_NOT_FOUND')
    const reason = until === null ? 'unsilenced' : 'silenced'
    const notice = await writeSystemMessage(change, { kind: `participant_${reason}`, actorId, targetIds: [userId], data: until === null ? {} : { until } })
    const participants = await silenceParticipant(change.tx, change.chatId, userId, until, await change.takeRevisions())
    return announceParticipants(change, 'participant_updated', reason, actorId, notice, participants)
  }

  return {
    /** Puts somebody out of the chat, or keeps out who has left; they cannot be added until they are unbanned. @throws {ApiError} ROLE_REQUIRED, USER_NOT_FOUND */
    ban: (actorId: string, chatId: string, userId: string) => sanction(actorId, chatId, userId, async (change, target) =>
      target.state === 'BANNED' ? { participants: [], message: null } : setState(change, actorId, target, 'BANNED', 'banned')),

    unban: (actorId: string, chatId: string, userId: string) => sanction(actorId, chatId, userId, async (change, target) =>
      target.state === 'BANNED' ? setState(change, actorId, target, 'LEFT', 'unbanned') : { participants: [], message: null }),

    silence: (actorId: string, chatId: string, userId: string, { until, seconds = 0 }: Silence) => sanction(actorId, chatId, userId, (change, target) =>
      setSilence(change, actorId, target, until ?? new Date(Date.now() + seconds * 1000).toISOString())),

    unsilence: (actorId: string, chatId: string, userId: string) => sanction(actorId, chatId, userId, (change, target) => setSilence(change, actorId, target, null)),
  }
}
