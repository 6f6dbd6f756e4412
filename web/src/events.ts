/** Live events of the server: one connection for all that listen on this page. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { z } from 'zod'
import type { eventSchemas } from '../../src/schemas/api.ts'
import { api } from './addresses.ts'

type Events = { [N in keyof typeof eventSchemas]: z.output<(typeof eventSchemas)[N]> }
export type EventName = keyof Events
export type LiveEvent = { [N in EventName]: { readonly name: N; readonly data: Events[N] } }[EventName]
export type LiveState = 'off' | 'connecting' | 'live' | 'lost'

const names: readonly EventName[] = ['campaign', 'fleet', 'hosts', 'alerts', 'reset']
type Listener = { readonly names: readonly EventName[]; readonly tell: (event: LiveEvent) => void }
const listeners = new Set<Listener>()
const watchers = new Set<(state: LiveState) => void>()
let source: EventSource | null = null
let state: LiveState = 'off'
let retry: ReturnType<typeof setTimeout> | undefined
/** Seconds until the next try; a server that starts again is not asked by all pages at once. */
let wait = 1

function become(next: LiveState) {
  state = next
  for (const tell of watchers) tell(next)
}

function tellAll(event: LiveEvent) {
  for (const listener of listeners) if (event.name === 'reset' || listener.names.includes(event.name)) listener.tell(event)
}

function connect() {
  clearTimeout(retry)
  become('connecting')
  const opened = new EventSource(api.events)
  source = opened
  opened.onopen = () => {
    // After a gap that the server cannot fill, what is shown may be old.
    if (wait > 1) tellAll({ name: 'reset', data: { at: Date.now() } })
    wait = 1
    become('live')
  }
  for (const name of names)
    opened.addEventListener(name, (message) => {
      tellAll({ name, data: JSON.parse((message as MessageEvent<string>).data) } as LiveEvent)
    })
  opened.onerror = () => {
    become('lost')
    // The browser tries again by itself unless the answer was a refusal.
    if (opened.readyState !== EventSource.CLOSED) return
    wait = Math.min(wait * 2, 60)
    retry = setTimeout(connect, wait * 1000 * (0.5 + Math.random()))
  }
}

function disconnect() {
  clearTimeout(retry)
  source?.close()
  source = null
  become('off')
}

/** Calls `fn` for each event of these names, and for `reset`: then what is shown must be loaded anew. */
export function useEvents(wanted: readonly EventName[], fn: (event: LiveEvent) => void): void {
  const latest = useRef(fn)
  latest.current = fn
  const key = wanted.join(',')
  useEffect(() => {
    const listener: Listener = { names: key.split(',') as EventName[], tell: (event) => latest.current(event) }
    listeners.add(listener)
    if (source === null) connect()
    return () => {
      listeners.delete(listener)
      // A page that follows soon takes the connection over.
      setTimeout(() => {
        if (listeners.size === 0 && source !== null) disconnect()
      }, 2000)
    }
  }, [key])
}

/** Whether what is shown is kept up to date. */
export function useLiveState(): LiveState {
  const [now, setNow] = useState(state)
  useEffect(() => {
    watchers.add(setNow)
    setNow(state)
    return () => void watchers.delete(setNow)
  }, [])
  return now
}
