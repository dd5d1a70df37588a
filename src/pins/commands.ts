import type { CommandTable } from '../realtime/commands.ts'
import type { PinsService } from './service.ts'

export function pinCommands (commands: CommandTable, pins: PinsService): void {
  commands
    .on('pin_message', ({ userId }, { messageId }) => pins.pin(userId, messageId))
    .on('unpin_message', ({ userId }, { messageId }) => pins.unpin(userId, messageId))
    .on('get_pins', ({ userId }, { chatId, ...page }) => pins.list(userId, chatId, page))
}
