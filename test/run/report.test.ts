import t from 'tap'
import { Report } from '../helpers/report.ts'

const TAP = `TAP version 14
1..3
# Subtest: test/good.test.ts
    # Subtest: does one thing
        ok 1 - should be equal
        ok 2 - should be equal
        1..2
    ok 1 - does one thing # time=3ms
    ok 2 - not here # SKIP no Docker
    ok 3 - not yet # TODO
    ok 4 - a bare assertion
    1..4
ok 1 - test/good.test.ts # time=10ms
  ---
  exitCode: 0
  ...
# Subtest: test/bad.test.ts
    # Subtest: does another thing
        not ok 1 - should be equal
        1..1
    not ok 1 - does another thing # time=3ms
    ok 2 - works # time=1ms
    1..2
not ok 2 - test/bad.test.ts # time=10ms
# Subtest: test/broken.test.ts
    1..0 # no tests found
not ok 3 - test/broken.test.ts # time=1ms
  ---
  exitCode: 1
  ...
# { total: 6, pass: 3, fail: 2, todo: 1, skip: 1 }`

t.test('counts tests, and a file that could not be run as one', async t => {
  const report = new Report(() => {})
  for (const line of TAP.split('\n')) report.line(line)
  t.match(report, { passed: 3, failed: 2 })
})

t.test('shows a line for a file that passed, everything for one that did not', async t => {
  const shown: string[] = []
  const report = new Report(line => { shown.push(line) })
  for (const line of TAP.split('\n')) report.line(line)
  t.notMatch(shown.join('\n'), /does one thing|exitCode/)
  t.match(shown.join('\n'), /^ok 1 - test\/good\.test\.ts[^]*not ok 1 - should be equal[^]*not ok 2 - test\/bad[^]*not ok 3 - test\/broken/)
})
