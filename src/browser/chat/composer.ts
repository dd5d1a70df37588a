import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import type { SendOptions } from '../../client/parley.ts'
import type { Intent } from './conversation.ts'
import { FilePreview } from './file-preview.ts'
import { summaryOf } from './message-text.ts'
import { useTell, useTry } from './notices.ts'
import { nameIn, useChat, type ChatSummary } from './session.ts'
import { VoiceRecorder } from './voice-recorder.ts'

const MAX_FILES = 10

/** Where one writes: text, files, a voice message; an answer to a message, or another text for one of mine. */
export function Composer ({ summary, intent, onIntent }: { summary: ChatSummary, intent: Intent, onIntent: (intent: Intent) => void }): VNode {
  const chat = useChat()
  const attempt = useTry()
  const tell = useTell()
  const [text, setText] = useState('')
  const [files, setFiles] = useState<File[]>([])
  const [isRecording, setRecording] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const { id, title } = summary
  const about = intent?.kind === 'report' ? null : intent

  useEffect(() => {
    if (about?.kind === 'edit') setText(about.message.content ?? '')
    if (about) field.current?.focus()
  }, [about])

  const add = (more: Iterable<File>): void => {
    const all = [...files, ...more]
    if (all.length > MAX_FILES) tell(`At most ${MAX_FILES} files at once.`)
    setFiles(all.slice(0, MAX_FILES))
    field.current?.focus()
  }
  const clear = (): void => {
    setText('')
    setFiles([])
    onIntent(null)
  }
  const send = (message: SendOptions): void => {
    chat.send(id, message).catch(() => {}) // what is refused stays in the list as "not sent"
  }
  const submit = (): void => {
    const content = text.trim()
    if (about?.kind === 'edit') {
      if (content && content !== about.message.content) attempt(chat.edit(about.message.id, content))
    } else if (content || files.length > 0) {
      send({ ...content && { content }, ...files.length > 0 && { files }, ...about && { replyToId: about.message.id } })
      chat.typing(id, false)
    } else return
    clear()
  }
  const onSubmit = (event: Event): void => {
    event.preventDefault()
    submit()
  }
  const onInput = ({ currentTarget }: { currentTarget: HTMLTextAreaElement }): void => {
    setText(currentTarget.value)
    if (about?.kind !== 'edit' && summary.request !== 'received') chat.typing(id, currentTarget.value !== '')
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return
    if (event.key === 'Enter' && !event.shiftKey) onSubmit(event)
    else if (event.key === 'Escape' && about) clear()
    else if (event.key === 'ArrowUp' && text === '' && !about) {
      const mine = chat.messages(id).findLast(message => message.senderId === chat.userId && message.type === 'TEXT' && !message.deletedAt && message.id !== '')
      if (!mine) return
      event.preventDefault()
      onIntent({ kind: 'edit', message: mine })
    }
  }
  const onPaste = (event: ClipboardEvent): void => {
    const pasted = [...event.clipboardData?.files ?? []]
    if (pasted.length === 0) return
    event.preventDefault()
    add(pasted)
  }
  const onDrop = (event: DragEvent): void => {
    event.preventDefault()
    add([...event.dataTransfer?.files ?? []])
  }
  const onChoose = ({ currentTarget }: { currentTarget: HTMLInputElement }): void => {
    add([...currentTarget.files ?? []])
    currentTarget.value = ''
  }
  const isEmpty = text.trim() === '' && files.length === 0

  return html`
    <form class="composer" onSubmit=${onSubmit} onDrop=${onDrop} onDragOver=${(event: Event) => event.preventDefault()}>
      ${about && html`
        <div class="about">
          <${Icon} name=${about.kind === 'edit' ? 'edit' : 'reply'} />
          <p><strong>${about.kind === 'edit' ? 'Editing' : `Answering ${nameIn(chat, about.message.senderId)}`}</strong><span>${summaryOf(chat, about.message)}</span></p>
          <button type="button" class="icon-button" aria-label="Cancel" onClick=${clear}><${Icon} name="close" /></button>
        </div>`}
      ${files.length > 0 && html`<ul class="chosen">${files.map((file, index) => html`<${FilePreview} key=${`${file.name} ${index}`} file=${file} onRemove=${() => setFiles(files.filter(each => each !== file))} />`)}</ul>`}
      ${isRecording
        ? html`<${VoiceRecorder} onCancel=${() => setRecording(false)} onDone=${(recording: File) => {
            setRecording(false)
            send({ files: [recording], voice: true })
          }} />`
        : html`
          <div class="composer-row">
            <label class="icon-button" title="Attach files"><${Icon} name="attach" /><input type="file" class="sr-only" multiple aria-label="Attach files" onChange=${onChoose} /></label>
            <textarea ref=${field} rows="1" dir="auto" maxlength="10000" placeholder="Write a message" aria-label=${`Message to ${title}`} value=${text} onInput=${onInput} onKeyDown=${onKeyDown} onPaste=${onPaste}></textarea>
            ${isEmpty && about?.kind !== 'edit'
              ? html`<button type="button" class="icon-button" aria-label="Record a voice message" title="Record a voice message" onClick=${() => setRecording(true)}><${Icon} name="mic" /></button>`
              : html`<button type="submit" class="icon-button primary" aria-label=${about?.kind === 'edit' ? 'Save' : 'Send'}><${Icon} name="send" /></button>`}
          </div>`}
    </form>`
}
