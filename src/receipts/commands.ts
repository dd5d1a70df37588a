import type { CommandTable } from '../realtime/commands.ts'
import type { ReceiptsService } from './service.ts'

export function receiptCommands (commands: CommandTable, receipts: ReceiptsService): void {
  commands
    .on('mark_as_read', ({ userId }, { chatId, ...upTo }) => receipts.read(userId, chatId, upTo))
    .on('mark_as_delivered', ({ userId }, { chatId, ...upTo }) => receipts.delivered(userId, chatId, upTo))
    .on('get_unread', ({ userId }, { chatId }) => chatId === undefined ? receipts.allUnread(userId) : receipts.unread(userId, chatId))
    .on('get_receipts', ({ userId }, { messageId, ...page }) => receipts.receipts(userId, messageId, page))
}
