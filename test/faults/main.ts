// npm run faults [-- NAME…]: all faults, or some, each with a crowd of its own. TEST_SEED repeats a run; BUS=postgres is the other bus. See docs/faults.md.
import { RULES } from './check/checker.ts'
import { FAULTS } from './kinds/all.ts'
import { play } from './scene/episode.ts'
import { GRACE_SECONDS, LEASE_SECONDS, prepare, type BusName } from './scene/place.ts'
import { RedisServer } from '../helpers/redis.ts'

const PEOPLE = Number(process.env.FAULT_PEOPLE ?? 150)
const PACE_MS = 2_500
const SHOWN = 10
/** Presence: of the lease and the grace; and of the beat that notices. */
const PATIENCE = { answer: 10_000, fleeting: 2_000, presence: (LEASE_SECONDS + 2 * GRACE_SECONDS) * 1000 }

const undo: (() => unknown)[] = []
const t = { teardown: (work: () => unknown) => { undo.push(work) } }
const run = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 1_000_000))
const names = process.argv.slice(2)
const bus = (process.env.BUS ?? (RedisServer.isInstalled ? 'redis' : 'postgres')) as BusName
const unknown = names.filter(name => !FAULTS.some(fault => fault.name === name))
if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')} among ${FAULTS.map(({ name }) => name).join(', ')}`)
const chosen = FAULTS.filter(({ name, needs, needsDisk }) => (!needsDisk || process.geteuid?.() === 0) && (names.length === 0 || names.includes(name)) && (!needs || needs === bus))
let failed = 0

console.log(`TEST_SEED=${run}: 3 nodes with BUS=${bus}, ${PEOPLE} clients`)
if (bus !== 'redis') console.log(`*** without Redis these are left out: ${FAULTS.filter(({ needs }) => needs === 'redis').map(({ name }) => name).join(', ')} ***`)
if (process.geteuid?.() !== 0) console.log('*** only root may mount a small disk: disk-full is left out ***')
try {
  const ground = await prepare(t, { bus, onSmallDisk: chosen.some(({ needsDisk }) => needsDisk) })
  for (const [index, fault] of chosen.entries()) await report(fault.name, async () => play(t, ground, { name: `f${index}`, faults: [fault], people: PEOPLE, paceMs: PACE_MS, patience: PATIENCE, seed: run + FAULTS.indexOf(fault) }))
} finally {
  for (const work of undo.reverse()) await work()
}
console.log(`${chosen.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

async function report (name: string, episode: () => ReturnType<typeof play>): Promise<void> {
  const { violations, evidence: { operations, commands, events }, closes, seconds } = await episode()
  const count = (outcome: string) => operations.filter(operation => operation.outcome === outcome).length
  const verdict = violations.length === 0 ? 'ok    ' : 'FAILED'
  console.log(`${verdict} ${name.padEnd(24)} ${seconds.toFixed(1).padStart(6)} s  ${count('ok')} ok, ${count('fail')} refused, ${count('unknown')} unknown; ${commands.length} commands, ${events.length} events; sockets ended: ${Object.entries(closes).map(([code, times]) => `${times} × ${code}`).join(', ')}`)
  if (violations.length > 0) failed++
  for (const { rule, what } of violations.slice(0, SHOWN)) console.log(`       (${rule}) ${RULES[rule]}: ${what}`)
  if (violations.length > SHOWN) console.log(`       and ${violations.length - SHOWN} more`)
}
