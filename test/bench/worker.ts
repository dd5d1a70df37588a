// Processes beside the benchmark's own: who makes the load, who answers instead of Parley. Each is a file that says what it can do
// with `serveTasks`; the benchmark asks for it.
import { fork } from 'node:child_process'
import { once } from 'node:events'

type Tasks = Record<string, (input: never) => unknown>
type Input<Task> = Task extends (input: infer Data) => unknown ? Data : never
type Output<Task> = Task extends (input: never) => infer Result ? Awaited<Result> : never

export interface Worker<Of extends Tasks> {
  readonly pid: number
  ask<Name extends keyof Of & string> (task: Name, input: Input<Of[Name]>): Promise<Output<Of[Name]>>
  stop (): Promise<void>
}

/** @param file beside this one */
export async function startWorker<Of extends Tasks> (file: string, { execArgv = [] }: { execArgv?: string[] } = {}): Promise<Worker<Of>> {
  const child = fork(new URL(file, import.meta.url), { execArgv })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let asked = 0
  child.on('message', ({ id, result, error }: { id: number, result?: unknown, error?: string }) => {
    if (error === undefined) waiting.get(id)?.resolve(result)
    else waiting.get(id)?.reject(new Error(error))
    waiting.delete(id)
  })
  child.on('exit', code => { for (const { reject } of waiting.values()) reject(new Error(`${file} has ended with ${code}`)) })
  await once(child, 'spawn')
  return {
    pid: child.pid!,
    ask: (task, input) => {
      const answer = Promise.withResolvers<unknown>()
      waiting.set(++asked, answer)
      child.send({ id: asked, task, input })
      return answer.promise as Promise<never>
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** In the process: what it is asked for, it does; what that returns, or throws, is the answer. Nobody else is left: it ends. */
export function serveTasks (tasks: Tasks): void {
  process.on('message', ({ id, task, input }: { id: number, task: string, input: never }) => {
    void (async () => tasks[task]!(input))().then(result => ({ id, result }), (error: Error) => ({ id, error: error.stack ?? String(error) })).then(answer => process.send!(answer))
  })
  process.on('disconnect', () => process.exit())
}
