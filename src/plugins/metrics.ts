import fp from 'fastify-plugin'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

declare module 'fastify' {
  interface FastifyInstance { metrics: Metrics }
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]

let ofProcess: Registry | undefined

/** Memory, CPU, garbage collections, delay of the loop: there is one of each, however many servers a process has. */
function processMetrics (): Registry {
  if (ofProcess) return ofProcess
  ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess })
  return ofProcess
}

export type Metrics = ReturnType<typeof createMetrics>

/** What is counted where it happens. What can be looked up is looked up when somebody asks: `gauge`. The README says what each means. */
function createMetrics () {
  const registry = new Registry()
  const registers = [registry]
  const commands = new Counter({ name: 'parley_commands_total', help: 'WebSocket commands, by type and by ok or the code of the error', labelNames: ['type', 'outcome'], registers })
  const deliveries = new Counter({ name: 'parley_deliveries_total', help: 'Changes of chats, times the people on this node who were given them', registers })
  const commandOf = new Map<string, { inc: () => void }>()

  return {
    registry,

    /** @param type of a command that there is */
    command (type: string, outcome: string): void {
      const key = `${type} ${outcome}`
      let counter = commandOf.get(key)
      if (!counter) commandOf.set(key, counter = commands.labels(type, outcome)) // finding it by its labels costs more than counting
      counter.inc()
    },

    batchSize: new Histogram({ name: 'parley_send_batch_size', help: 'Messages that were sent to PostgreSQL together', buckets: BATCH_SIZES, registers }),
    batchWait: new Histogram({ name: 'parley_send_batch_wait_seconds', help: 'How long the first of them had waited for its turn', buckets: SECONDS, registers }),
    batchTime: new Histogram({ name: 'parley_send_batch_seconds', help: 'How long PostgreSQL took for them', buckets: SECONDS, registers }),
    eventLag: new Histogram({ name: 'parley_event_lag_seconds', help: 'From the commit of a change to its delivery to the sockets of this node', buckets: SECONDS, registers }),
    gaps: new Counter({ name: 'parley_gaps_repaired_total', help: 'Chats whose changes were read from PostgreSQL because their frames had not come', registers }),
    sweeps: new Counter({ name: 'parley_sweeps_total', help: 'Rounds of the sweep: all that is followed here was compared with PostgreSQL', registers }),
    slowReaders: new Counter({ name: 'parley_slow_readers_cut_total', help: 'Sockets that were closed because they did not take what they were sent', registers }),
    refused: new Counter({ name: 'parley_accepts_refused_total', help: 'Sockets that were refused because too many came at once', registers }),

    deliveries,

    /** The counters as they stand, for those who do not read Prometheus. */
    async counters () {
      const [{ values: batches }, { values: lags }, ...counted] = await Promise.all([this.batchSize.get(), this.eventLag.get(), ...[deliveries, this.gaps, this.slowReaders, this.refused].map(counter => counter.get())])
      const valueOf = (values: { metricName?: string, value: number }[], end: string) => values.find(({ metricName }) => metricName?.endsWith(end))?.value ?? 0
      const [delivered = 0, gapsRepaired = 0, slowReadersCut = 0, refused = 0] = counted.map(({ values }) => values[0]?.value ?? 0)
      const buckets = lags.flatMap(({ labels: { le }, value }) => typeof le === 'number' ? { upToSeconds: le, count: value } : [])
      return { messagesSent: valueOf(batches, '_sum'), deliveries: delivered, gapsRepaired, slowReadersCut, refused, lag: { count: valueOf(lags, '_count'), sumSeconds: valueOf(lags, '_sum'), buckets } }
    },

    gauge (name: string, help: string, read: () => number): void {
      new Gauge({ name, help, registers, collect () { this.set(read()) } }) // eslint-disable-line no-new
    },

    gauges (name: string, help: string, label: string, read: () => Record<string, number>): void {
      // eslint-disable-next-line no-new
      new Gauge({ name, help, labelNames: [label], registers, collect () { for (const [value, number] of Object.entries(read())) this.set({ [label]: value }, number) } })
    },
  }
}

/** `GET /metrics`, in the format of Prometheus. Whoever can reach the server can read it: it names nobody. */
export const metrics = fp(async app => {
  const metrics = createMetrics()
  app.decorate('metrics', metrics)
  metrics.gauges('parley_database_connections', 'Connections of the pool', 'state', () => ({ idle: app.db.pool.idleCount, used: app.db.pool.totalCount - app.db.pool.idleCount }))
  metrics.gauge('parley_database_waiting', 'Statements and transactions that wait for a connection', () => app.db.pool.waitingCount)
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    const all = Registry.merge([processMetrics(), metrics.registry])
    return reply.type(all.contentType).send(await all.metrics())
  })
}, { name: 'metrics', dependencies: ['database'] })
