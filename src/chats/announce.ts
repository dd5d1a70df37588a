import type { Change } from '../changes.ts'
import type { WrittenNotice } from '../messages/system.ts'
import type { Participant, ParticipantChange } from './schemas.ts'

export type ParticipantEvent = 'participant_joined' | 'participant_left' | 'participant_updated'

/** One event for a change of participants. Its SYSTEM message was written first, so that a leaver's own row is the last they are told of. */
export function announceParticipants (
  change: Change, type: ParticipantEvent, reason: string, actorId: string | null, notice: WrittenNotice, participants: Participant[],
  follow: { joined?: { userIds: string[], bound: number }, left?: string[], memberCount?: number } = {}
): ParticipantChange {
  const data = `{"participants":${JSON.stringify(participants)},"reason":"${reason}","actorId":${JSON.stringify(actorId)},"message":${notice.message}}`
  change.publish({ type, data, message: { seq: notice.seq, senderId: null }, ...follow })
  return { participants, message: JSON.parse(notice.message) }
}
