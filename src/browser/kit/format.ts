const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long' })
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long' })
const shortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' })

const DAY_MS = 86_400_000
const midnight = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
const daysAgo = (at: string): number => Math.round((midnight(new Date()) - midnight(new Date(at))) / DAY_MS)

export const clock = (at: string): string => time.format(new Date(at))

export const inFull = (at: string): string => full.format(new Date(at))

/** Today, yesterday, a day of this week, or the date. */
export function day (at: string): string {
  const days = daysAgo(at)
  if (days <= 0) return 'Today'
  if (days === 1) return 'Yesterday'
  return days < 7 ? weekday.format(new Date(at)) : dayOfYear.format(new Date(at))
}

/** As short as a list needs it. */
export function when (at: string): string {
  const days = daysAgo(at)
  if (days <= 0) return clock(at)
  if (days === 1) return 'Yesterday'
  return shortDay.format(new Date(at))
}

/** 0:07, 12:40 */
export function duration (ms: number): string {
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

const UNITS = ['bytes', 'KB', 'MB', 'GB']

export function fileSize (bytes: number): string {
  const unit = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** unit
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

export const count = (number: number, one: string, many = `${one}s`): string => `${number.toLocaleString()} ${number === 1 ? one : many}`
