import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { html } from '../kit/html.ts'
import { apiWith, Refusal, type Api, type Overview } from './api.ts'
import { Health } from './health.ts'
import { Reports } from './reports.ts'
import { sampleOf, type Sample } from './rates.ts'
import { BiggestChats, SlowReaders } from './tables.ts'
import { Tiles } from './tiles.ts'

const EVERY_MS = 2_000
/** Two minutes of them. */
const SAMPLES = 60
/** The token of this tab; gone with it. */
const KEY = 'parley-admin-token'
/** With these a token is not (any more) of use. */
const NO_USE = new Set(['TOKEN_MISSING', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'ROLE_REQUIRED', 'USER_BANNED'])

export function Admin (): VNode {
  const [token, setToken] = useState(() => sessionStorage.getItem(KEY) ?? '')
  const [refused, setRefused] = useState('')
  const leave = (why: string): void => {
    sessionStorage.removeItem(KEY)
    setRefused(why)
    setToken('')
  }
  const enter = (given: string): void => {
    sessionStorage.setItem(KEY, given)
    setRefused('')
    setToken(given)
  }
  return token === '' ? html`<${Door} refused=${refused} onEnter=${enter} />` : html`<${Board} key=${token} token=${token} onLeave=${leave} />`
}

/** Asks for a token; the server says whether it is an administrator's. */
function Door ({ refused, onEnter }: { refused: string, onEnter: (token: string) => void }): VNode {
  const [given, setGiven] = useState('')
  const onSubmit = (event: Event): void => {
    event.preventDefault()
    onEnter(given.trim())
  }
  return html`
    <main class="door">
      <form onSubmit=${onSubmit}>
        <h1>Parley, for operators</h1>
        <p>A token whose role is <code>admin</code> opens it. On your own machine: <code>npm run token -- operator --role admin</code></p>
        <label class="field">Token<input type="password" required autocomplete="off" spellcheck="false" value=${given} onInput=${(event: Event) => setGiven((event.target as HTMLInputElement).value)} /></label>
        ${refused && html`<p class="refused" role="alert">${refused}</p>`}
        <button type="submit" class="button" disabled=${given.trim() === ''}>Open</button>
      </form>
    </main>`
}

interface Seen { overview: Overview | null, samples: Sample[], trouble: string }

/** Asks again as soon as the last answer is there and its time has come, so that a slow server is not asked more. */
function useOverview (api: Api, onLeave: (why: string) => void): Seen {
  const [seen, setSeen] = useState<Seen>({ overview: null, samples: [], trouble: '' })
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let isGone = false
    const look = async (): Promise<void> => {
      try {
        const overview = await api.overview()
        if (!isGone) setSeen(({ overview: before, samples }) => ({ overview, samples: before ? [...samples, sampleOf(before, overview)].slice(-SAMPLES) : samples, trouble: '' }))
      } catch (error) {
        const { code, message } = error instanceof Refusal ? error : new Refusal('UNKNOWN', String(error))
        if (isGone) return
        if (NO_USE.has(code)) return onLeave(code === 'ROLE_REQUIRED' ? 'This token is not an administrator’s.' : message)
        setSeen(before => ({ ...before, trouble: code === 'DATABASE_UNAVAILABLE' ? 'PostgreSQL does not answer' : message }))
      }
      if (!isGone) timer = setTimeout(() => { void look() }, EVERY_MS)
    }
    void look()
    return () => {
      isGone = true
      clearTimeout(timer)
    }
  }, [api])
  return seen
}

function Board ({ token, onLeave }: { token: string, onLeave: (why: string) => void }): VNode {
  const [api] = useState(() => apiWith(token))
  const { overview, samples, trouble } = useOverview(api, onLeave)
  return html`
    <div class="board">
      <header>
        <h1>Parley</h1>
        <p class="state" role="status" data-state=${trouble ? 'trouble' : overview ? 'live' : 'waiting'}><span class="lamp" aria-hidden="true"></span>${trouble || (overview ? 'Live' : 'Looking…')}</p>
        <button type="button" class="button small plain" onClick=${() => onLeave('')}>Leave</button>
      </header>
      ${overview && html`
        <main>
          <${Tiles} overview=${overview} samples=${samples} />
          <${Health} overview=${overview} isTrouble=${trouble !== ''} />
          <${SlowReaders} overview=${overview} />
          <${BiggestChats} overview=${overview} />
          <${Reports} api=${api} open=${overview.openReports} />
        </main>`}
    </div>`
}
