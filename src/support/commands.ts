import type { CommandTable } from '../realtime/commands.ts'
import type { SupportService } from './service.ts'

export function supportCommands (commands: CommandTable, support: SupportService): void {
  commands
    .on('get_support_chats', ({ identity }, page) => support.list(identity, page))
    .on('get_support_chat', ({ identity }, { chatId }) => support.get(identity, chatId))
    .on('take_chat', ({ identity }, { chatId, ...how }) => support.take(identity, chatId, how))
    .on('release_chat', ({ identity }, { chatId, ...to }) => support.release(identity, chatId, to))
    .on('close_chat', ({ identity }, { chatId }) => support.close(identity, chatId))
}
