// Makes what is made from the sources: the Prisma client, `dist/client.js` and the pages in `dist/pages`. Before every start and test; takes half a second.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { bundleClient } from '../client/build.ts'
import '../../prisma/generate.ts'

const ROOT = join(import.meta.dirname, '../..')
const SOURCES = join(ROOT, 'src/browser')
const PAGES = ['chat', 'admin']

await mkdir(join(ROOT, 'dist'), { recursive: true })
await writeFile(join(ROOT, 'dist/client.js'), await bundleClient())
await build({
  entryPoints: PAGES.flatMap(name => [
    { in: join(SOURCES, name, 'main.ts'), out: name },
    { in: join(SOURCES, name, 'style.css'), out: name },
  ]),
  outdir: join(ROOT, 'dist/pages'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2024',
  logLevel: 'warning',
})
