import type { CommandTable } from '../realtime/commands.ts'
import type { SearchService } from './service.ts'

export function searchCommands (commands: CommandTable, search: SearchService): void {
  commands.on('search', ({ userId }, { chatId, ...query }) => search.search(userId, chatId, query))
}
