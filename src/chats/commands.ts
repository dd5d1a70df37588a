import type { CommandTable } from '../realtime/commands.ts'
import type { ChatServices } from './index.ts'

export function chatCommands (commands: CommandTable, { chats, members, memberships, sanctions, requests }: ChatServices): void {
  commands
    .on('create_chat', async ({ userId }, data) => (await chats.create(userId, data)).view)
    .on('get_chats', ({ userId }, data) => chats.list(userId, data))
    .on('get_user_chats', ({ identity }, { userId, ...page }) => chats.listOfUser(identity, userId, page))
    .on('get_stats', ({ userId }, { chatId }) => chats.stats(userId, chatId))
    .on('get_chat', ({ userId }, { chatId }) => chats.show(userId, chatId))
    .on('update_chat', ({ userId }, { chatId, ...change }) => chats.update(userId, chatId, change))
    .on('delete_chat', async ({ userId }, { chatId, scope }) => {
      await (scope === 'everyone' ? chats.deleteForEveryone(userId, chatId) : chats.deleteForMe(userId, chatId))
      return { chatId: chatId.toLowerCase() }
    })
    .on('leave_membership', async ({ userId }, { chatId }) => {
      await chats.deleteForMe(userId, chatId)
      return { chatId: chatId.toLowerCase() }
    })
    .on('accept_chat', ({ userId }, { chatId }) => requests.accept(userId, chatId))
    .on('reject_chat', async ({ userId }, { chatId }) => {
      await requests.reject(userId, chatId)
      return { chatId: chatId.toLowerCase() }
    })
    .on('clear_chat', ({ userId }, { chatId }) => memberships.clear(userId, chatId))
    .on('update_membership', ({ userId }, { chatId, ...settings }) => memberships.update(userId, chatId, settings))
    .on('get_participants', ({ userId }, { chatId, ...page }) => members.list(userId, chatId, page))
    .on('add_participants', ({ userId }, { chatId, ...people }) => members.add(userId, chatId, people))
    .on('update_participant', ({ userId }, { chatId, userId: targetId, ...change }) => members.update(userId, chatId, targetId, change))
    .on('remove_participant', ({ userId }, { chatId, userId: targetId }) => members.remove(userId, chatId, targetId))
    .on('ban_user', ({ userId }, { chatId, userId: targetId }) => sanctions.ban(userId, chatId, targetId))
    .on('unban_user', ({ userId }, { chatId, userId: targetId }) => sanctions.unban(userId, chatId, targetId))
    .on('silence_user', ({ userId }, { chatId, userId: targetId, ...time }) => sanctions.silence(userId, chatId, targetId, time))
    .on('unsilence_user', ({ userId }, { chatId, userId: targetId }) => sanctions.unsilence(userId, chatId, targetId))
}
