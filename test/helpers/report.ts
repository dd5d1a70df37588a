/**
 * Makes what tap says readable, line by line: one line for a file that passed, everything for a file that did not. And counts.
 *
 * A test is what a file holds at its top level; skipped tests and todos count for nothing. A file that fails without a failed test
 * (it crashed, or could not be loaded) counts as one.
 */
export class Report {
  passed = 0
  failed = 0
  readonly #print: (line: string) => void
  #file: string[] = []
  #failedInFile = 0
  #inDetailsOfFile = false

  constructor (print: (line: string) => void) {
    this.#print = print
  }

  line (line: string): void {
    if (line === '  ---') this.#inDetailsOfFile = true // how it was called: of no interest
    if (!this.#inDetailsOfFile) this.#read(line)
    if (line === '  ...') this.#inDetailsOfFile = false
  }

  #read (line: string): void {
    const result = /^(?<test> {4})?(?<not>not )?ok \d+(?!.*# (SKIP|TODO))/i.exec(line)?.groups
    if (result && !result.test) return this.#endFile(line, Boolean(result.not))
    if (result?.not) this.#failedInFile++
    else if (result) this.passed++
    this.#file.push(line)
  }

  #endFile (line: string, failed: boolean): void {
    if (failed) {
      for (const each of this.#file) this.#print(each)
      this.failed += Math.max(1, this.#failedInFile)
    }
    this.#print(line)
    this.#file = []
    this.#failedInFile = 0
  }
}
