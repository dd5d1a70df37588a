// What makes a first try easy: a secret, tokens, and lines to paste. In production the application signs the tokens.
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSigner } from 'fast-jwt'
import type { Config } from './config.ts'

/** The secret of DATA_DIR, made when it is first asked for. */
export async function developmentSecret (dataDir: string): Promise<string> {
  const file = join(dataDir, 'jwt-secret')
  await mkdir(dataDir, { recursive: true })
  try {
    await writeFile(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFile(file, 'utf8')
}

export type Bearer = { sub: string, name?: string | undefined, role?: string | undefined, hours?: number }

/** A token as the application would sign it, HS256; by default good for a day. */
export function signToken ({ secret, issuer, audience }: Config['jwt'] & { secret: string }, { sub, name, role, hours = 24 }: Bearer): string {
  const sign = createSigner({
    key: secret,
    algorithm: 'HS256',
    expiresIn: hours * 3_600_000,
    ...issuer && { iss: issuer },
    ...audience && { aud: audience },
  })
  return sign({ sub, ...name && { name }, ...role && { role } })
}

/** What to do next, for somebody who has just started Parley for the first time. */
export function welcome (address: string, tokens: Record<'alice' | 'bob', string>, { demo }: Pick<Config, 'demo'>): string {
  const socket = `${address.replace('http', 'ws')}/api/v1/chat/ws`
  const terminal = (token: string) => `npx wscat -c ${socket} -H "Authorization: Bearer ${token}"`
  return `
Parley is ready.${demo ? ` Two people, side by side: ${address}/` : ''}
API documentation: ${address}/docs

Tokens
  alice: ${tokens.alice}
  bob:   ${tokens.bob}

To chat, paste one of these into each of two terminals in this folder:

${terminal(tokens.alice)}

${terminal(tokens.bob)}

and then, as alice:

{"id":1,"type":"send_message","data":{"targetUserId":"bob","content":"Hello"}}
`
}
