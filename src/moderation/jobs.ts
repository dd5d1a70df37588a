import type { Jobs } from '../plugins/jobs.ts'
import type { ReviewService } from './review.ts'

export function moderationJobs (jobs: Jobs, review: ReviewService): void {
  jobs.on({ name: 'purge-reports', cron: '43 3 * * *', run: signal => review.purge(signal) })
}
