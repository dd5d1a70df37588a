// npm run token -- alice [--name "Alice"] [--role admin|agent] [--hours 24]
// Prints a token for development, signed with JWT_SECRET or else with the secret in DATA_DIR.
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { developmentSecret, signToken } from '../development.ts'

const USAGE = 'Usage: npm run token -- <user> [--name <display name>] [--role admin|agent] [--hours <hours, 24>]'

try {
  process.stdout.write(`${await makeToken(process.argv.slice(2))}\n`)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}

async function makeToken (args: string[]): Promise<string> {
  const { values, positionals: [sub, ...rest] } = parseArgs({
    args,
    allowPositionals: true,
    options: { name: { type: 'string' }, role: { type: 'string' }, hours: { type: 'string', default: '24' } },
  })
  const hours = Number(values.hours)
  if (!sub || rest.length > 0 || !(hours > 0)) throw new Error(USAGE)

  if (existsSync('.env')) process.loadEnvFile()
  const { jwt, dataDir } = loadConfig(process.env)
  if (jwt.publicKey || jwt.jwksUrl) throw new Error('Tokens are signed by your application: JWT_PUBLIC_KEY and JWKS_URL can only check them')
  return signToken({ ...jwt, secret: jwt.secret ?? await developmentSecret(dataDir) }, { sub, name: values.name, role: values.role, hours })
}
