import type { CommandTable } from '../realtime/commands.ts'
import type { MessagesService } from './service.ts'
import type { ThreadsService } from './threads.ts'

export function messageCommands (commands: CommandTable, { messages, threads }: { messages: MessagesService, threads: ThreadsService }): void {
  commands
    .on('send_message', async ({ userId }, { chatId, targetUserId = '', ...message }) =>
      (await (chatId === undefined ? messages.sendToUser(userId, targetUserId, message) : messages.send(userId, chatId, message))).body,
    { pipelined: true })
    .on('send_media', async ({ userId }, { chatId, ...message }) => (await messages.send(userId, chatId, message)).body, { pipelined: true })
    .on('edit_message', ({ userId }, { messageId, ...edit }) => messages.edit(userId, messageId, edit))
    .on('delete_message', ({ userId }, { messageId, scope }) =>
      scope === 'me' ? messages.deleteForMe(userId, messageId) : messages.deleteForEveryone(userId, messageId))
    .on('forward_message', ({ userId }, { messageId, ...to }) => messages.forward(userId, messageId, to))
    .on('get_history', ({ userId }, { chatId, ...query }) => messages.history(userId, chatId, query))
    .on('get_messages', ({ userId }, { messageId, chatId = '', ...query }) => messageId === undefined ? messages.history(userId, chatId, query) : messages.get(userId, messageId))
    .on('get_thread', ({ userId }, { messageId, ...query }) => threads.replies(userId, messageId, query))
    .on('get_edits', ({ userId }, { messageId }) => messages.edits(userId, messageId))
}
