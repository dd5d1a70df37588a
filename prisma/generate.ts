// Makes the Prisma client anew where it is not there or not up to date, which takes a fraction of the time that finding out through
// `prisma generate` does. npm calls it before start, test and types.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const manifest = createRequire(import.meta.url).resolve('prisma/package.json')
const stamp = join(root, 'src', 'generated', 'prisma', '.made-from')

const hash = createHash('sha256')
for (const file of [manifest, join(root, 'prisma', 'schema.prisma')]) hash.update(readFileSync(file))
const sources = hash.digest('hex')

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== sources) {
  // Its output comes with the error, if there is one.
  execFileSync(process.execPath, [join(dirname(manifest), 'build', 'index.js'), 'generate'], { cwd: root, stdio: 'pipe' })
  writeFileSync(stamp, sources)
}
