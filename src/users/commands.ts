import type { CommandTable } from '../realtime/commands.ts'
import type { UsersService } from './service.ts'

export function userCommands (commands: CommandTable, users: UsersService): void {
  commands
    .on('get_me', ({ userId }) => users.me(userId))
    .on('update_me', ({ identity }, change) => users.update(identity, change))
}
