export interface Figure { name: string, metric: string, value: number, unit: string, reference: number | null, ratio: number | null }

/**
 * What a figure must reach, as the issue says it: '≥ 2 ×' and '≤ 1.3 ×' are about the ratio to the reference, '≤ 100 ms' is about the value
 * (the unit is for the reader).
 */
export type Bar = `${'≥' | '≤'} ${number} ${string}`

/** What a benchmark has measured: a table, or with --json one line a figure. Remarks are for the reader of the table. */
export class Figures {
  readonly #bench: string
  readonly #json: boolean
  readonly #figures: (Figure & { bar: string })[] = []

  constructor (bench: string, json: boolean) {
    this.#bench = bench
    this.#json = json
  }

  /** `reference`: what it is held against, in the same unit, measured in the same run. */
  add (metric: string, value: number, unit: string, reference: number | null = null, bar?: Bar): void {
    const figure = { name: this.#bench, metric, value: round(value), unit, reference: reference === null ? null : round(reference), ratio: reference === null ? null : round(value / reference) }
    this.#figures.push({ ...figure, bar: bar === undefined ? '' : `${bar} ${reaches(figure, bar) ? '✓' : '✗'}` })
  }

  say (text: string): void {
    if (!this.#json) console.log(text)
  }

  print (): void {
    if (this.#json) {
      for (const { bar, ...figure } of this.#figures) console.log(JSON.stringify(figure))
      return
    }
    const rows = [['metric', 'value', 'unit', 'reference', 'ratio', 'must reach'],
      ...this.#figures.map(({ metric, value, unit, reference, ratio, bar }) => [metric, `${value}`, unit, `${reference ?? '–'}`, `${ratio ?? '–'}`, bar])]
    const widths = [0, 1, 2, 3, 4, 5].map(column => Math.max(...rows.map(row => row[column]!.length)))
    console.log(`\n${this.#bench}`)
    for (const row of rows) console.log(row.map((cell, column) => [0, 2, 5].includes(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join('  ').trimEnd())
  }
}

function reaches ({ value, ratio }: Figure, bar: Bar): boolean {
  const [sign, limit, unit] = bar.split(' ')
  const measured = unit === '×' ? ratio ?? NaN : value
  return sign === '≥' ? measured >= Number(limit) : measured <= Number(limit)
}

/** Three digits that mean something. */
function round (value: number): number {
  return Number(value.toPrecision(3))
}

export function percentile (values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

/** Of many measurements, what is told of them. */
export interface Distribution { count: number, p50: number, p99: number, max: number }

export function distribution (values: ArrayLike<number>): Distribution {
  return { count: values.length, p50: percentile(values, 0.5), p99: percentile(values, 0.99), max: percentile(values, 1) }
}

/** The middle one: of a few runs, it is not moved by one that something disturbed. */
export const median = (values: number[]): number => percentile(values, 0.5)
