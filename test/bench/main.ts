// npm run bench                      all benchmarks but `search`, which takes as long as all others
// npm run bench -- search send       these
// npm run bench -- send --json       one line a figure: { name, metric, value, unit, reference, ratio }
// npm run bench -- send --profile=D  the server's CPU profile goes to the folder D
// Each gets a PostgreSQL of its own with fsync on, and a server process of its own; the load comes from a third process. docs/benchmarks.md says
// what each measures; what its own options are stands at its head.
import { fanOut } from './fan-out.ts'
import { Figures } from './figures.ts'
import { growth } from './growth.ts'
import { history } from './history.ts'
import { hotChat } from './hot-chat.ts'
import { idle } from './idle.ts'
import { latency } from './latency.ts'
import { media } from './media.ts'
import { nodes } from './nodes.ts'
import { reads } from './reads.ts'
import { reconnect } from './reconnect.ts'
import { search } from './search.ts'
import { send } from './send.ts'
import { sendOne } from './send-one.ts'
import { slowReader } from './slow-reader.ts'
import { Stage } from './stage.ts'

export interface Bench { run: (stage: Stage, figures: Figures, options: Record<string, string>) => Promise<void> }

const BENCHES: Record<string, Bench['run']> = {
  send,
  'send-one': sendOne,
  'hot-chat': hotChat,
  'fan-out': fanOut,
  latency,
  reads,
  'slow-reader': slowReader,
  history,
  media,
  growth,
  idle,
  reconnect,
  nodes,
  search,
}
const ONLY_BY_NAME = new Set(['search'])

const names = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const options = Object.fromEntries(process.argv.slice(2).filter(argument => argument.startsWith('--')).map(argument => {
  const [name = '', value = 'on'] = argument.slice(2).split('=')
  return [name, value]
}))

for (const name of names.length > 0 ? names : Object.keys(BENCHES).filter(each => !ONLY_BY_NAME.has(each))) {
  const bench = BENCHES[name]
  if (!bench) throw new Error(`There is no benchmark ${name}, only ${Object.keys(BENCHES).join(', ')}`)
  const figures = new Figures(name, options.json === 'on')
  const stage = await Stage.set(figures, options)
  try {
    await bench(stage, figures, options)
  } finally {
    await stage.strike()
  }
  figures.print()
}
