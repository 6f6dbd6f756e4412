/** The machines of a fleet by state and by origin, as parts of a whole. */
import type { Today } from '../../../src/schemas/api.ts'
import { page } from '../addresses.ts'
import { Segments } from '../charts/segments.tsx'
import { count, originMeans, origins, verdictMeans, verdicts } from '../words.ts'

type Counts = Today['summary']['counts']

const statesWorstFirst = ['action', 'attention', 'cannot-tell', 'ok'] as const
export const originsWorstFirst = ['foreign', 'suspect', 'cannot-tell', 'vendor', 'platform', 'own'] as const

export function States({ counts }: { readonly counts: Counts }) {
  const { listed, never } = counts.machines
  const ok = counts.verdict.ok ?? 0
  return (
    <Segments
      title="How the machines are"
      unit="machines"
      what="State"
      summary={`${ok === listed ? 'All' : ok} of ${count(listed, 'machine')} ${ok === 1 ? 'is' : 'are'} in order.`}
      parts={[
        ...statesWorstFirst.map((v) => ({
          name: verdicts[v],
          means: verdictMeans[v],
          value: counts.verdict[v] ?? 0,
          tone: v,
          href: page('/machines', { verdict: v }),
        })),
        {
          name: 'never answered',
          means: 'Nothing is known of them.',
          value: never,
          tone: 'none' as const,
          href: page('/machines', { 'never-seen': true }),
        },
      ]}
    />
  )
}

export function Origins({ counts }: { readonly counts: Counts }) {
  const of = (o: (typeof originsWorstFirst)[number]) => counts.origin[o] ?? 0
  const odd = of('foreign') + of('suspect')
  return (
    <Segments
      title="Whose activations they have"
      unit="machines"
      what="Origin"
      summary={
        odd === 0 ? 'No machine has an activation that is not yours.' : `${count(odd, 'machine')} with an activation that may not be yours.`
      }
      parts={originsWorstFirst.map((o) => ({
        name: origins[o],
        means: originMeans[o],
        value: of(o),
        tone: o,
        href: page('/machines', { origin: o }),
      }))}
    />
  )
}
