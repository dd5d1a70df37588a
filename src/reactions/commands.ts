import type { CommandTable } from '../realtime/commands.ts'
import type { ReactionsService } from './service.ts'

export function reactionCommands (commands: CommandTable, reactions: ReactionsService): void {
  commands
    .on('add_reaction', ({ userId }, { messageId, emoji }) => reactions.add(userId, messageId, emoji))
    .on('remove_reaction', ({ userId }, { messageId, emoji }) => reactions.remove(userId, messageId, emoji))
    .on('get_reactions', ({ userId }, { messageId, ...page }) => reactions.list(userId, messageId, page))
}
