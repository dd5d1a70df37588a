// Bundles what runs in browsers into dist/pages: `npm run build:pages`, before every start and test.
import { join } from 'node:path'
import { build } from 'esbuild'

const ROOT = join(import.meta.dirname, '../..')
const SOURCES = join(ROOT, 'src/browser')
const PAGES = ['chat', 'admin']

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
