/** A place of a page on which files and text can be dropped. */
import { useState } from 'preact/hooks'

/** Whether something is held over it, and what the element of that place hears. */
export function useDrop(files: (dropped: FileList) => void, text: (dropped: string) => void) {
  const [over, setOver] = useState(false)
  return {
    over,
    handlers: {
      onDragOver: (e: DragEvent) => {
        e.preventDefault()
        setOver(true)
      },
      onDragLeave: () => setOver(false),
      onDrop: (e: DragEvent) => {
        e.preventDefault()
        setOver(false)
        const { files: dropped } = e.dataTransfer ?? {}
        if (dropped && dropped.length > 0) files(dropped)
        else text(e.dataTransfer?.getData('text/plain') ?? '')
      },
    },
  }
}
