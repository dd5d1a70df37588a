import type { CommandTable } from '../realtime/commands.ts'
import type { ReportsService } from './reports.ts'

export function moderationCommands (commands: CommandTable, reports: ReportsService): void {
  commands.on('report_message', async ({ userId }, { messageId, reason }) => (await reports.report(userId, messageId, reason)).reply)
}
