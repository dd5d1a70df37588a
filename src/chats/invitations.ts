import type { Change, Changes } from '../changes.ts'
import { ApiError } from '../errors.ts'
import { writeSystemMessage } from '../messages/system.ts'
import type { Database } from '../plugins/database.ts'
import { announceParticipants } from './announce.ts'
import { askingAmong, invitationOf, invitationView, invitedTo, inviteParticipants, refusedLately, type Inviting } from './invitation-queries.ts'
import { addToMemberCount, chatRules, chatView, joinParticipants, leaveChat } from './queries.ts'
import type { ChatView, Participant, ParticipantChange } from './schemas.ts'

export type InvitationsService = ReturnType<typeof invitationsService>

/**
 * People who want to be asked before they are in a chat (`groupInvites: ASK`). Until they accept they are no members: they
 * see the chat's name and who has invited them, and get nothing of what happens in it.
 */
export function invitationsService (db: Database, changes: Changes) {
  /** The event without a SYSTEM message: that somebody does not come is not for the history. */
  function announceQuietly (change: Change, reason: 'rejected' | 'withdrawn', actorId: string | null, participants: Participant[]): ParticipantChange {
    change.publish({ type: 'participant_updated', data: { participants, reason, actorId } })
    return { participants, message: null }
  }

  async function end (change: Change, userId: string, state: 'REJECTED' | 'REMOVED'): Promise<Participant[]> {
    const inboxRevisions = await change.takeInboxRevisions([userId])
    return leaveChat(change.tx, change.chatId, userId, { state, revision: await change.takeRevisions(), inboxRevision: inboxRevisions.get(userId) ?? 0 })
  }

  return {
    asking: askingAmong,

    /** @throws {ApiError} REQUEST_LIMIT where one of them has rejected an invitation to the chat in the last 30 days */
    async requireWilling (change: Change, userIds: string[]): Promise<void> {
      const refused = await refusedLately(change.tx, change.chatId, userIds)
      if (refused) throw new ApiError('REQUEST_LIMIT', '', { details: { userIds: refused.userIds, retryAt: refused.retryAt.toISOString() } })
    },

    /** Within the making of a chat, which tells the others. The locks of their inboxes are held. */
    async inviteToNew (change: Change, invitedById: string, userIds: string[]): Promise<void> {
      if (userIds.length === 0) return
      const invited = { userIds, role: 'MEMBER' as const, label: null, invitedById, firstRevision: await change.takeRevisions(userIds.length) }
      await inviteParticipants(change.tx, change.chatId, { ...invited, inboxRevisions: await change.takeInboxRevisions(userIds) })
    },

    /** Within a change whose locks are held, also those of their inboxes. */
    async invite (change: Change, { userIds, role, label, invitedById }: Pick<Inviting, 'userIds' | 'role' | 'label' | 'invitedById'>): Promise<ParticipantChange> {
      const notice = await writeSystemMessage(change, { kind: 'participants_invited', actorId: invitedById, targetIds: userIds })
      const participants = await inviteParticipants(change.tx, change.chatId, {
        userIds, role, label, invitedById, firstRevision: await change.takeRevisions(userIds.length), inboxRevisions: await change.takeInboxRevisions(userIds),
      })
      return announceParticipants(change, 'participant_updated', 'invited', invitedById, notice, participants)
    },

    /** As if added now. Who is in the chat already stays as they are. @throws {ApiError} CHAT_NOT_FOUND */
    async accept (userId: string, chatId: string): Promise<ChatView> {
      await changes.run({ chatId, participants: [userId], inboxes: [userId] }, async change => {
        if (change.participants.get(userId)?.state === 'JOINED') return
        const invitation = await invitationOf(change.tx, change.chatId, userId)
        const rules = await chatRules(change.tx, change.chatId)
        if (!invitation || !rules) throw new ApiError('CHAT_NOT_FOUND')
        const { invitedById, ...as } = invitation
        const notice = await writeSystemMessage(change, { kind: 'invitation_accepted', actorId: userId, targetIds: [userId], data: { invitedById } })
        const visibleFromSeq = rules.historyForNewMembers === 'ALL' ? 1 : change.head.lastSeq + 1
        const participants = await joinParticipants(change.tx, change.chatId, {
          ...as, userIds: [userId], firstRevision: await change.takeRevisions(), inboxRevisions: await change.takeInboxRevisions([userId]), visibleFromSeq, readSeq: change.head.lastSeq,
        })
        const memberCount = await addToMemberCount(change.tx, change.chatId, 1)
        announceParticipants(change, 'participant_joined', 'added', userId, notice, participants, { joined: { userIds: [userId], bound: visibleFromSeq - 1 }, memberCount })
      })
      const view = await chatView(db, chatId, userId)
      if (!view) throw new ApiError('CHAT_NOT_FOUND')
      return view
    },

    /** @throws {ApiError} CHAT_NOT_FOUND; VALIDATION_FAILED for who is in the chat already */
    async reject (userId: string, chatId: string): Promise<void> {
      await changes.run({ chatId, participants: [userId], inboxes: [userId] }, async change => {
        const state = change.participants.get(userId)?.state
        if (state === 'JOINED') throw new ApiError('VALIDATION_FAILED', 'There is nothing to reject', { details: { field: 'chatId' } })
        if (state !== 'INVITED' && state !== 'REJECTED') throw new ApiError('CHAT_NOT_FOUND')
        if (state === 'INVITED') announceQuietly(change, 'rejected', userId, await end(change, userId, 'REJECTED'))
      })
    },

    /** The invitation holds no longer. */
    async withdraw (change: Change, actorId: string | null, userId: string): Promise<ParticipantChange> {
      return announceQuietly(change, 'withdrawn', actorId, await end(change, userId, 'REMOVED'))
    },

    /** The chat goes, and with it the invitations to it. (Whose inboxes these are is known only now: a deadlock over them is undone and tried again.) */
    async withdrawAll (change: Change): Promise<void> {
      for (const userId of await invitedTo(change.tx, change.chatId)) await end(change, userId, 'REMOVED')
    },

    /** @returns undefined: they are not invited */
    view: (userId: string, chatId: string): Promise<ChatView | undefined> => invitationView(db, chatId, userId),
  }
}
