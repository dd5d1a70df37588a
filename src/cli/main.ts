// npx parley <command>
import { existsSync } from 'node:fs'
import { ConfigError } from '../config.ts'
import { StartError } from '../start-error.ts'
import { UsageError } from './usage-error.ts'

interface Command {
  summary: string
  /** What comes behind its name, and what that means. */
  usage: string
  help: string
  /** @returns the exit code, unless it is 0 */
  load: () => Promise<(args: string[]) => Promise<number | void>>
}

const COMMANDS: Record<string, Command> = {
  start: {
    summary: 'start the server',
    usage: '',
    help: 'Settings come from the environment and from .env; .env.example has them all. Without DATABASE_URL an embedded PostgreSQL runs in DATA_DIR.\nMigrations are applied first. SIGTERM and Ctrl-C end it, with what is under way answered, in DRAIN_SECONDS.',
    load: async () => (await import('./start.ts')).start,
  },
  migrate: {
    summary: "bring the database to this version's schema",
    usage: '[--check]',
    help: '  --check   only say which migrations are to be applied; the exit code is 1 if there are any\n\nFor deployments that migrate before they start: every start does it, too, one process at a time.',
    load: async () => (await import('./migrate.ts')).migrateDatabase,
  },
  token: {
    summary: 'print a token for development',
    usage: '<user> [--name <display name>] [--role admin|agent] [--hours <hours, 24>]',
    help: 'Signed with JWT_SECRET, else with the secret in DATA_DIR. In production your application signs them.',
    load: async () => (await import('./token.ts')).token,
  },
  doctor: {
    summary: 'check settings, database, clock, Redis and storage, and say what to do',
    usage: '[--json]',
    help: '  --json   one object for each check: { name, state: ok | note | fault, detail, advice? }\n\nIt changes nothing, but for a file of a few bytes that it puts into the storage and takes out again. The exit code is 1 if there is a fault.',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  epoch: {
    summary: 'print, or renew, the identity of the database’s history',
    usage: '[--new]',
    help: '  --new   begin another history: after a restore from a dump or a copy, before Parley starts on it. Clients then start from a full sync',
    load: async () => (await import('./epoch.ts')).epoch,
  },
}

const OVERVIEW = `Usage: parley <command>

${Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(9)}${summary}`).join('\n')}

"parley <command> --help" says more. Exit codes: 0 done, 1 a fault, 2 not understood.
`

const [name = '', ...args] = process.argv.slice(2)
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
const wantsHelp = (words: string[]): boolean => words.includes('--help') || words.includes('-h')

if (!command) {
  const asked = name === 'help' || name === '--help' || name === '-h'
  if (name === '--version' || name === '-v') process.stdout.write(`${(await import('../../package.json', { with: { type: 'json' } })).default.version}\n`)
  else (asked ? process.stdout : process.stderr).write(name === '' || asked ? OVERVIEW : `There is no command ${name}.\n\n${OVERVIEW}`)
  process.exitCode = asked || /^(--version|-v)$/.test(name) ? 0 : 2
} else if (wantsHelp(args)) {
  process.stdout.write(`Usage: parley ${name} ${command.usage}\n\n${command.summary[0]!.toUpperCase()}${command.summary.slice(1)}.\n\n${command.help}\n`)
} else {
  try {
    if (existsSync('.env')) process.loadEnvFile()
    process.exitCode = await (await command.load())(args) ?? 0
  } catch (error) {
    process.stderr.write(`${explain(error, `Usage: parley ${name} ${command.usage}`)}\n`)
    process.exitCode = error instanceof UsageError || isParseError(error) ? 2 : 1
  }
}

/** As parseArgs says that an option is not known, or lacks its value. */
function isParseError (error: unknown): boolean {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}

/** What a person can mend takes a line; anything else is a fault of ours, and wants its stack. */
function explain (error: unknown, usage: string): string {
  if (error instanceof ConfigError) return error.faults.join('\n')
  if (error instanceof UsageError) return error.message || usage
  if (isParseError(error)) return `${(error as Error).message}\n${usage}`
  if (error instanceof StartError) return error.message
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { code?: string }
  return code ? error.message || code : error.stack ?? error.message
}
