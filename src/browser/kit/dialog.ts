import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { html } from './html.ts'
import { Icon } from './icons.ts'

/** Above the page for as long as it is drawn: keeps the focus, closes by Escape and by a click beside it. */
export function Dialog ({ title, kind = '', onClose, children }: { title: string, kind?: string, onClose: () => void, children?: ComponentChildren }): VNode {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    return () => { if (opener instanceof HTMLElement) opener.focus() }
  }, [])
  const onClick = (event: MouseEvent): void => { if (event.target === dialog.current) onClose() }
  return html`
    <dialog class=${`dialog ${kind}`} ref=${dialog} aria-label=${title} onClose=${onClose} onClick=${onClick}>
      <div class="dialog-body">
        <header>
          <h2>${title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button>
        </header>
        ${children}
      </div>
    </dialog>`
}
