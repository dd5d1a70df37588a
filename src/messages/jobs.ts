import type { Jobs } from '../plugins/jobs.ts'
import type { RetentionService } from './retention.ts'

export function messageJobs (jobs: Jobs, retention: RetentionService): void {
  jobs
    .on({ name: 'trim-history', cron: '7 * * * *', run: signal => retention.trim(signal) })
    .on({ name: 'purge-deleted-content', cron: '23 3 * * *', run: signal => retention.purgeDeleted(signal) })
}
