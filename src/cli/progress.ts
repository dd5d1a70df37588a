import type { WriteStream } from 'node:tty'

const WIDTH = 30

export interface ProgressBar {
  /** @param done @param total steps @param what is done now */
  show: (done: number, total: number, what: string) => void
  /** Nothing is left of it. */
  end: () => void
}

/** A bar in one line of a terminal; elsewhere a line for each step. */
export function progressBar (out: Pick<WriteStream, 'write'> & { isTTY?: boolean }): ProgressBar {
  let last = ''
  return {
    show (done, total, what) {
      const filled = Math.round(WIDTH * done / Math.max(total, 1))
      const line = out.isTTY ? `\r\u001b[2K[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${done}/${total} ${what}` : `${done}/${total} ${what}\n`
      if (line === last) return
      last = line
      out.write(line)
    },
    end () {
      if (out.isTTY && last) out.write('\r\u001b[2K')
    },
  }
}
