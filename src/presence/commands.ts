import type { CommandTable } from '../realtime/commands.ts'
import type { PresenceService } from './service.ts'

export function presenceCommands (commands: CommandTable, presence: PresenceService): void {
  commands
    .on('join_chat', ({ peer }, { chatId }) => presence.join(peer, chatId))
    .on('leave_chat', async ({ peer }, { chatId }) => {
      await presence.leave(peer, chatId)
      return { chatId: chatId.toLowerCase() }
    })
    .on('presence_update', ({ userId }, wanted) => presence.set(userId, wanted))
    .on('user_online', ({ userId }, wanted) => presence.comeOnline(userId, wanted))
    .on('user_offline', ({ userId }) => presence.goOffline(userId))
    .on('get_presence', ({ userId }, { userIds }) => presence.query(userId, userIds))
    .on('get_online_users', ({ userId }, { chatId }) => presence.online(userId, chatId))
    .on('typing_start', ({ userId }, { chatId }) => setTyping(userId, chatId, true))
    .on('typing_stop', ({ userId }, { chatId }) => setTyping(userId, chatId, false))
    .on('typing_indicator', ({ userId }, { chatId, isTyping }) => setTyping(userId, chatId, isTyping))

  async function setTyping (userId: string, chatId: string, isTyping: boolean) {
    await presence.setTyping(userId, chatId, isTyping)
    return { chatId: chatId.toLowerCase() }
  }
}
