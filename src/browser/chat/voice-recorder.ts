import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { duration } from '../kit/format.ts'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import { useTell } from './notices.ts'

/** Types that the server makes waveforms of come first; Safari has none of them. */
const TYPES = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4']
const TICK_MS = 200

/** Records from the moment it is drawn, until it is sent or cancelled. */
export function VoiceRecorder ({ onCancel, onDone }: { onCancel: () => void, onDone: (recording: File) => void }): VNode {
  const tell = useTell()
  const recorder = useRef<MediaRecorder | null>(null)
  const [elapsedMs, setElapsedMs] = useState(0)

  useEffect(() => {
    let stream: MediaStream | undefined
    let timer: ReturnType<typeof setInterval> | undefined
    let isGone = false
    const begin = async (): Promise<void> => {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true })
      if (isGone) return stop()
      const mimeType = TYPES.find(type => MediaRecorder.isTypeSupported(type))
      recorder.current = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType })
      recorder.current.start()
      const since = Date.now()
      timer = setInterval(() => setElapsedMs(Date.now() - since), TICK_MS)
    }
    const stop = (): void => {
      clearInterval(timer)
      for (const track of stream?.getTracks() ?? []) track.stop()
    }
    begin().catch(() => {
      tell('There is no microphone, or it may not be used.')
      onCancel()
    })
    return () => {
      isGone = true
      stop()
    }
  }, [])

  const send = (): void => {
    const { current } = recorder
    if (!current) return
    const parts: Blob[] = []
    current.addEventListener('dataavailable', ({ data }) => parts.push(data))
    current.addEventListener('stop', () => onDone(new File(parts, 'voice message', { type: current.mimeType })))
    current.stop()
  }
  return html`
    <div class="composer-row recorder" role="group" aria-label="Recording a voice message">
      <button type="button" class="icon-button" aria-label="Cancel the recording" onClick=${onCancel}><${Icon} name="trash" /></button>
      <p class="recording" role="status"><span class="lamp" aria-hidden="true"></span>Recording<span class="voice-time" aria-hidden="true">${duration(elapsedMs)}</span></p>
      <button type="button" class="icon-button primary" aria-label="Send the voice message" onClick=${send}><${Icon} name="send" /></button>
    </div>`
}
