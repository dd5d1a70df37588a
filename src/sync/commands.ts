import type { CommandTable } from '../realtime/commands.ts'
import type { SyncService } from './service.ts'

export function syncCommands (commands: CommandTable, sync: SyncService): void {
  commands
    .on('sync', ({ userId }, data) => sync.sync(userId, data))
    .on('changes', ({ userId }, { chatId, ...since }) => sync.changes(userId, chatId, since))
}
