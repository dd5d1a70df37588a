import type { Jobs } from '../plugins/jobs.ts'
import type { Cleaning } from './cleaning.ts'

export function mediaJobs (jobs: Jobs, cleaning: Cleaning): void {
  jobs.on({ name: 'sweep-media', cron: '*/5 * * * *', run: signal => cleaning.sweep(signal) })
}
