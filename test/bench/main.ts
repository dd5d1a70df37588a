// npm run bench                      all benchmarks
// npm run bench -- search            one of them
// npm run bench -- search --json     one line a figure: { name, metric, value, unit, reference, ratio }
// Each gets a PostgreSQL of its own with fsync on, and a server process of its own; the load comes from this process.
// What a benchmark's own options are stands at its head.
import { Figures } from './figures.ts'
import { search } from './search.ts'
import { Stage } from './stage.ts'

export interface Bench { run: (stage: Stage, figures: Figures, options: Record<string, string>) => Promise<void> }

const BENCHES: Record<string, Bench['run']> = { search }

const names = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const options = Object.fromEntries(process.argv.slice(2).filter(argument => argument.startsWith('--')).map(argument => {
  const [name = '', value = 'on'] = argument.slice(2).split('=')
  return [name, value]
}))

for (const name of names.length > 0 ? names : Object.keys(BENCHES)) {
  const bench = BENCHES[name]
  if (!bench) throw new Error(`There is no benchmark ${name}, only ${Object.keys(BENCHES).join(', ')}`)
  const figures = new Figures(name, options.json === 'on')
  const stage = await Stage.set(figures)
  try {
    await bench(stage, figures, options)
  } finally {
    await stage.strike()
  }
  figures.print()
}
