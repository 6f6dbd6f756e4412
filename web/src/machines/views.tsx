/** Filters that somebody saved under a name: each is a link. */

import { useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import type { View } from '../../../src/schemas/api.ts'
import { api, queryText } from '../addresses.ts'
import { useAnswer } from '../answer.ts'
import { problemOf, send } from '../api.ts'
import { Menu, toast, toastProblem } from '../parts.ts'

export function Views() {
  const { query } = useLocation()
  const answer = useAnswer<{ readonly rows: readonly View[] }>(api.views)
  const views = answer.state === 'ready' ? answer.value.rows : []
  const { after: _, page: __, ...kept } = query
  const now = queryText(kept).slice(1)
  const here = views.find((v) => v.query === now)
  const work = async (what: Promise<unknown>, said: string) => {
    try {
      await what
      toast(said)
      answer.reload()
    } catch (error) {
      toastProblem(problemOf(error))
    }
  }
  return (
    <Menu label="Views">
      {(close) => (
        <>
          {views.length === 0 ? (
            <p class="quiet">No view is saved yet. A view keeps filters, order and columns under a name.</p>
          ) : (
            <ul class="saved-views">
              {views.map((v) => (
                <li key={v.name}>
                  <a href={`/machines?${v.query}`} aria-current={v === here ? 'true' : undefined} onClick={close}>
                    {v.name}
                  </a>
                  <button
                    type="button"
                    class="as-link"
                    aria-label={`Delete the view ${v.name}`}
                    onClick={() => void work(send('DELETE', api.view(v.name)), `The view ${v.name} is deleted.`)}
                  >
                    Delete
                  </button>
                </li>
              ))}
            </ul>
          )}
          <Save
            save={(name) => {
              close()
              void work(send('PUT', api.view(name), { query: now }), `The view is saved as ${name}.`)
            }}
          />
        </>
      )}
    </Menu>
  )
}

function Save({ save }: { readonly save: (name: string) => void }) {
  const [name, setName] = useState('')
  return (
    <form
      class="field"
      onSubmit={(e) => {
        e.preventDefault()
        if (name.trim() !== '') save(name.trim())
      }}
    >
      <label for="view-name">Save what is shown now as</label>
      <div class="joined">
        <input id="view-name" value={name} maxLength={60} required autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} />
        <button type="submit">Save</button>
      </div>
    </form>
  )
}
