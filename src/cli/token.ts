import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { developmentSecret, signToken } from '../development.ts'
import { StartError } from '../start-error.ts'
import { UsageError } from './usage-error.ts'

/** Prints a token for development, signed with JWT_SECRET or else with the secret in DATA_DIR. */
export async function token (args: string[]): Promise<void> {
  const { values, positionals: [sub, ...rest] } = parseArgs({
    args,
    allowPositionals: true,
    options: { name: { type: 'string' }, role: { type: 'string' }, hours: { type: 'string', default: '24' } },
  })
  const hours = Number(values.hours)
  if (!sub || rest.length > 0 || !(hours > 0)) throw new UsageError()

  const { jwt, dataDir } = loadConfig(process.env)
  if (jwt.publicKey || jwt.jwksUrl) throw new StartError('Tokens are signed by your application: JWT_PUBLIC_KEY and JWKS_URL can only check them')
  process.stdout.write(`${signToken({ ...jwt, secret: jwt.secret ?? await developmentSecret(dataDir) }, { sub, name: values.name, role: values.role, hours })}\n`)
}
