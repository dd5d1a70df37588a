import type { Jobs } from '../plugins/jobs.ts'
import type { RemovalService } from './removal.ts'

export function chatJobs (jobs: Jobs, removal: RemovalService): void {
  jobs.on({ name: 'remove-deleted-chats', cron: '*/10 * * * *', run: signal => removal.removeDeleted(signal) })
}
