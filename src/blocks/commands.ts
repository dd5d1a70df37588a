import type { CommandTable } from '../realtime/commands.ts'
import type { BlocksService } from './service.ts'

export function blockCommands (commands: CommandTable, blocks: BlocksService): void {
  commands
    .on('block_user', ({ userId }, target) => blocks.block(userId, target))
    .on('unblock_user', ({ userId }, target) => blocks.unblock(userId, target))
    .on('get_blocks', ({ userId }) => blocks.list(userId))
}
