import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Dialog } from '../kit/dialog.ts'
import { fileSize } from '../kit/format.ts'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import { useChat, type Attachment } from './session.ts'
import { VoicePlayer } from './voice-player.ts'

/** The server signs URLs for some minutes: what is looked at later asks for another one. */
export function useMediaUrl (attachment: Attachment, what: 'file' | 'thumbnail', isWanted = true): { url: string | null, again: () => void } {
  const chat = useChat()
  const [url, setUrl] = useState<string | null>(null)
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    if (!isWanted) return
    let isCurrent = true
    chat.mediaUrl(attachment, what).then(found => { if (isCurrent) setUrl(found) }, () => { if (isCurrent) setUrl(null) }) // shown as what it is without it: a name
    return () => { isCurrent = false }
  }, [chat, attachment.id, what, isWanted, attempt])
  return { url, again: () => { if (attempt === 0) setAttempt(1) } }
}

export function Attachments ({ attachments }: { attachments: Attachment[] }): VNode {
  return html`<div class=${`attachments ${attachments.length > 1 ? 'many' : ''}`}>${attachments.map(attachment => html`<${AttachmentView} key=${attachment.id} attachment=${attachment} />`)}</div>`
}

function AttachmentView ({ attachment }: { attachment: Attachment }): VNode {
  switch (attachment.kind) {
    case 'image': return html`<${Picture} attachment=${attachment} />`
    case 'voice': return html`<${VoicePlayer} attachment=${attachment} />`
    case 'audio': return html`<${Player} attachment=${attachment} />`
    case 'video': return html`<${Player} attachment=${attachment} />`
    default: return html`<${Download} attachment=${attachment} />`
  }
}

/** The thumbnail, at the size of the picture from the beginning, so that nothing jumps; a click shows the picture. */
function Picture ({ attachment }: { attachment: Attachment }): VNode {
  const { fileName, width, height, thumbnailUrl } = attachment
  const [isOpen, setOpen] = useState(false)
  const { url, again } = useMediaUrl(attachment, thumbnailUrl ? 'thumbnail' : 'file')
  return html`
    <button type="button" class="picture" aria-label=${`Show ${fileName}`} onClick=${() => setOpen(true)}>
      <img src=${url ?? undefined} alt=${fileName} width=${width ?? undefined} height=${height ?? undefined} onError=${again} />
    </button>
    ${isOpen && html`<${PictureDialog} attachment=${attachment} onClose=${() => setOpen(false)} />`}`
}

function PictureDialog ({ attachment, onClose }: { attachment: Attachment, onClose: () => void }): VNode {
  const { url } = useMediaUrl(attachment, 'file')
  return html`<${Dialog} title=${attachment.fileName} kind="wide" onClose=${onClose}>${url && html`<img class="full-picture" src=${url} alt=${attachment.fileName} />`}<//>`
}

function Player ({ attachment }: { attachment: Attachment }): VNode {
  const { url, again } = useMediaUrl(attachment, 'file')
  const label = attachment.fileName
  return attachment.kind === 'video'
    ? html`<video class="film" controls preload="metadata" src=${url ?? undefined} aria-label=${label} onError=${again}></video>`
    : html`<audio class="sound" controls preload="none" src=${url ?? undefined} aria-label=${label} onError=${again}></audio>`
}

function Download ({ attachment }: { attachment: Attachment }): VNode {
  const { url } = useMediaUrl(attachment, 'file')
  return html`
    <a class="file" href=${url ?? undefined} download=${attachment.fileName}>
      <span class="file-mark"><${Icon} name="file" /></span>
      <span class="file-name">${attachment.fileName}<span class="file-size">${fileSize(attachment.size)}</span></span>
    </a>`
}
