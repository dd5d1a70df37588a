// docs/coverage.md names what exists, and leaves no promise out.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { commands, events } from '../../src/contract.ts'
import { routesOf } from '../helpers/contract.ts'
import { startParley } from '../helpers/parley.ts'

const ROOT = join(import.meta.dirname, '../..')

/** The promises of the five systems, by their numbers: from and to. */
const PROMISES: Record<string, [from: number, to: number][]> = {
  A: [[1, 12], [20, 26], [30, 34], [40, 65]],
  B: [[1, 12], [20, 34], [40, 57], [60, 71], [80, 89]],
  C: [[1, 18], [20, 30], [40, 52], [60, 74], [80, 89]],
  D: [[1, 8], [20, 25], [30, 36], [40, 44], [80, 88]],
  E: [[1, 7], [10, 18], [20, 29], [80, 85]],
}

interface Row { id: string, by: string, tests: string }

const rows: Row[] = readFileSync(join(ROOT, 'docs/coverage.md'), 'utf8').split('\n').flatMap(line => {
  const [, id = '', , by = '', tests = ''] = line.split('|').map(cell => cell.trim())
  return /^[A-E]\d+$/.test(id) ? [{ id, by, tests }] : []
})
const quoted = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
const isPromise = (by: string) => /\*\*(later|not ours)\*\*/.test(by)

t.test('every promise, once', async t => {
  const wanted = Object.entries(PROMISES).flatMap(([letter, ranges]) => ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => `${letter}${from + index}`)))
  t.strictSame(rows.map(({ id }) => id), wanted)
})

t.test('every route, command and event that it names', async t => {
  const { app } = await startParley(t)
  const routes = new Set(routesOf(app).map(({ name }) => name))
  const names = new Set([...Object.keys(commands), ...Object.keys(events), ...Object.values(commands).map(({ reply }) => reply)])
  for (const { id, by } of rows) {
    const wanted = quoted(by).filter(name => /^([A-Z]+ \/|[a-z]+(_[a-z]+)+$|error$|search$|sync$|authenticate|ping$)/.test(name))
    const missing = wanted.filter(name => name.includes(' /') ? !routes.has(name.replace(/:(\w+)/g, '{$1}')) : !names.has(name))
    t.strictSame(missing, [], `${id}: ${by}`)
  }
})

t.test('every test that it names, and one for all that is said to be there', async t => {
  for (const { id, by, tests } of rows) {
    t.strictSame(quoted(tests).filter(path => !existsSync(join(ROOT, path))), [], id)
    t.ok(quoted(tests).length > 0 || isPromise(by), `${id}: shown, or said not to be there`)
  }
})

t.end()
