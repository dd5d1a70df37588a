import { resolve } from 'node:path'
import { build } from 'esbuild'

/** The typed client for whoever has no bundler: one file, no import. @returns the text of an ES module that exports `createClient` and what goes with it */
export async function bundleClient (): Promise<string> {
  const { outputFiles: [file] } = await build({
    entryPoints: [resolve(import.meta.dirname, 'parley.ts')], bundle: true, minify: true, format: 'esm', platform: 'neutral', target: 'es2022', write: false, logLevel: 'silent',
  })
  if (!file) throw new Error('esbuild has made nothing')
  return file.text
}
