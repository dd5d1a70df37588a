#!/usr/bin/env node
// In JavaScript, for those whose Node could not read the rest.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(`Parley needs Node 24, and this is ${process.version}. "npm ci" brings one along, which "npx parley" then finds.\n`)
  process.exit(1)
}
await import('../src/cli/main.ts')
