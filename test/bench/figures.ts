export interface Figure { name: string, metric: string, value: number, unit: string, reference: number | null, ratio: number | null }

/** What a benchmark has measured: a table, or with --json one line a figure. Remarks are for the reader of the table. */
export class Figures {
  readonly #bench: string
  readonly #json: boolean
  readonly #figures: Figure[] = []

  constructor (bench: string, json: boolean) {
    this.#bench = bench
    this.#json = json
  }

  /** `reference`: what it is held against, in the same unit. */
  add (metric: string, value: number, unit: string, reference: number | null = null): void {
    this.#figures.push({ name: this.#bench, metric, value: round(value), unit, reference: reference === null ? null : round(reference), ratio: reference === null ? null : round(value / reference) })
  }

  say (text: string): void {
    if (!this.#json) console.log(text)
  }

  print (): void {
    if (this.#json) {
      for (const figure of this.#figures) console.log(JSON.stringify(figure))
      return
    }
    const rows = [['metric', 'value', 'unit', 'reference', 'ratio'], ...this.#figures.map(({ metric, value, unit, reference, ratio }) => [metric, `${value}`, unit, `${reference ?? '–'}`, `${ratio ?? '–'}`])]
    const widths = [0, 1, 2, 3, 4].map(column => Math.max(...rows.map(row => row[column]!.length)))
    console.log(`\n${this.#bench}`)
    for (const row of rows) console.log(row.map((cell, column) => column === 0 || column === 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join('  '))
  }
}

/** Three digits that mean something. */
function round (value: number): number {
  return Number(value.toPrecision(3))
}

export function percentile (values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN
}
