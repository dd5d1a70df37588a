import { join } from 'node:path'
import { loadConfig, type Config } from '../config.ts'
import { clusterUrl } from '../embedded/url.ts'
import { StartError } from '../start-error.ts'

/** No token is looked at by these commands: which key there is for them does not matter. */
const NO_TOKENS = { JWT_SECRET: 'a key that is never used, of 32 bytes', JWT_PUBLIC_KEY: '', JWKS_URL: '' }

/** The settings, for what has nothing to do with tokens. */
export const settingsWithoutTokens = (): Config => loadConfig({ ...process.env, ...NO_TOKENS })

/** Where an embedded database listens, if one runs. */
export function runningEmbedded (dataDir: string): string | undefined {
  try {
    return clusterUrl(join(dataDir, 'postgres'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The way straight to the database. @throws {StartError} if there is none */
export function directUrl ({ database, dataDir }: Config): string {
  const url = database.directUrl ?? database.url ?? runningEmbedded(dataDir)
  if (url === undefined) throw new StartError(`DATABASE_URL is not set, and no embedded database runs in ${dataDir}`)
  return url
}
