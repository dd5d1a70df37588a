// A process that owns the embedded PostgreSQL of a folder until it is told to stop: node test/helpers/embedded-owner.ts <DATA_DIR>
import { EmbeddedPostgres } from '../../src/embedded/index.ts'

const embedded = await EmbeddedPostgres.start(process.argv[2]!, {
  log: message => console.error(message),
  onLost: error => { throw error },
})
process.once('SIGTERM', () => embedded.stop(5))
console.log(embedded.url)
