import { execFile } from 'node:child_process'

/** Whom PostgreSQL runs as, since it refuses to run as root. null: as ourselves. */
export type Account = { uid: number, gid: number } | null

/** As root: `postgres` where there is such a user, else `nobody`. */
export async function unprivilegedAccount (): Promise<Account> {
  if (process.geteuid?.() !== 0) return null
  const name = (await run('id', ['postgres'], null)).ok ? 'postgres' : 'nobody'
  const id = async (option: string) => Number((await run('id', [option, name], null)).output)
  return { uid: await id('-u'), gid: await id('-g') }
}

/** Asks the kernel rather than reading modes: access lists, mounts and security modules have their say too. */
export async function canEnter (dir: string, account: Account): Promise<boolean> {
  return (await run('/bin/sh', ['-c', 'cd "$1"', 'sh', dir], account)).ok
}

/**
 * Runs a command to its end; a failure is for the caller to judge.
 *
 * It runs in `/`, for our own directory may be closed to the account, and sees none of our environment: PGDATA, PGPORT and
 * the like would change what PostgreSQL does. Messages are in English, because some of them are matched.
 */
export function run (command: string, args: string[], account: Account): Promise<{ ok: boolean, code: unknown, output: string }> {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' }
  return new Promise(resolve => {
    execFile(command, args, { ...account, env, cwd: '/' }, (error, stdout, stderr) => {
      resolve({ ok: error === null, code: error?.code ?? 0, output: (stdout + stderr).trim() || (error?.message ?? '') })
    })
  })
}
