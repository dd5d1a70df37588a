import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { duration } from '../kit/format.ts'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import { useMediaUrl } from './attachments.ts'
import type { Attachment } from './session.ts'

/** Every other of the server's 64 samples: a bubble has room for as many. */
const STEP = 2
const QUIET = 6

/** A voice message: the shape of its sound, which is also how far it has been heard. */
export function VoicePlayer ({ attachment }: { attachment: Attachment }): VNode {
  const [isWanted, setWanted] = useState(false)
  const [isPlaying, setPlaying] = useState(false)
  const [heardMs, setHeardMs] = useState(0)
  const audio = useRef<HTMLAudioElement>(null)
  const { url, again } = useMediaUrl(attachment, 'file', isWanted)
  const { waveform, durationMs } = attachment
  const bars = (waveform ?? new Array<number>(64).fill(20)).filter((_, index) => index % STEP === 0)
  const part = durationMs ? heardMs / durationMs : 0

  useEffect(() => { if (url && isWanted) audio.current?.play().catch(() => setPlaying(false)) }, [url, isWanted])

  const toggle = (): void => {
    if (!isWanted) setWanted(true)
    else if (isPlaying) audio.current?.pause()
    else audio.current?.play().catch(() => setPlaying(false))
  }
  return html`
    <div class="voice">
      <button type="button" class="icon-button primary" aria-label=${isPlaying ? 'Pause' : 'Play the voice message'} onClick=${toggle}><${Icon} name=${isPlaying ? 'pause' : 'play'} /></button>
      <svg class="waveform" viewBox=${`0 0 ${bars.length * 4} 32`} preserveAspectRatio="none" aria-hidden="true">
        ${bars.map((level, index) => {
          const height = Math.max(QUIET, level) * 0.3
          return html`<rect key=${index} class=${index / bars.length < part ? 'heard' : ''} x=${index * 4} y=${16 - height / 2} width="2.4" height=${height} rx="1.2" />`
        })}
      </svg>
      <span class="voice-time">${duration(isPlaying || heardMs > 0 ? heardMs : durationMs ?? 0)}</span>
      <audio ref=${audio} src=${url ?? undefined} preload="none" onError=${again} onPlay=${() => setPlaying(true)} onPause=${() => setPlaying(false)}
        onTimeUpdate=${({ currentTarget }: { currentTarget: HTMLAudioElement }) => setHeardMs(currentTarget.ended ? 0 : currentTarget.currentTime * 1000)}
        onEnded=${() => { setPlaying(false); setHeardMs(0) }}></audio>
    </div>`
}
