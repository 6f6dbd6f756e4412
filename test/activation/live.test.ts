import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostInUse, judge, planMachine, resolveStep, verifyStep } from '../../src/activation.ts'
import { clientKeys } from '../../src/catalogue.ts'
import { machinePlanSchema } from '../../src/schemas.ts'
import { answersOf, caseNames, factsOf, liveCase, optionsOf, saysOf } from './live.ts'

for (const name of caseNames) {
  test(`live ${name}`, () => {
    const c = liveCase(name)
    const options = optionsOf(c)
    const { asked } = answersOf(saysOf(c), options.wishes)
    const facts = factsOf(c, {}, options.wishes)
    const judged = judge(facts, options.site, options.readAt)
    const plan = planMachine(facts, options)
    machinePlanSchema.parse(JSON.parse(JSON.stringify(plan)))
    const found = {
      asked: asked.map((q) => q.id),
      machine: { verdict: judged.machine.verdict, origin: judged.machine.origin, headline: judged.machine.headline },
      products: judged.products,
      findings: judged.findings.map((f) => f.rule),
      uses: facts.products.map((p) => hostInUse(p, facts)),
      holds: plan.holds,
      steps: plan.steps.map((s) => call(s)),
      because: plan.steps.map((s) => s.because),
      hosts: plan.steps.filter((s) => s.activates).map((s) => s.host?.name ?? null),
      refused: plan.refused.map((r) => r.code),
      missing: plan.missing.map((m) => m.fact),
      fallbacks: plan.fallbacks.map((f) => `${f.attempt} ${f.host.name}:${f.host.port} ${f.steps.map((s) => s.method).join(' ')}`),
      system: facts.system,
      office: facts.office,
      hostRole: facts.hostRole,
    }
    // Only what is expected is compared, so that a failure shows little else.
    const asExpected = Object.fromEntries(Object.keys(c.expect).map((key) => [key, found[key as keyof typeof found]]))
    assert.partialDeepStrictEqual(asExpected, c.expect)
    for (const key of ['asked', 'steps', 'refused', 'missing', 'holds', 'findings', 'fallbacks', 'products'] as const)
      if (Array.isArray(c.expect[key]))
        assert.equal(found[key].length, (c.expect[key] as unknown[]).length, `number of ${key}: ${JSON.stringify(found[key])}`)
    // Where a next step says that slmctl does it, its plan does it or says why not.
    for (const { next } of [...judged.findings, ...judged.products])
      if (next.some((n) => n.includes(`slmctl apply ${facts.name}`)))
        assert.notDeepEqual([plan.steps, plan.refused, plan.missing], [[], [], []])
    // What Microsoft says of MAKs is no next step of a KMS client.
    for (const p of judged.products) if (p.channel === 'kms-client') assert.doesNotMatch(p.next.join(), /Activation Centers/)
    if (options.site)
      assert.doesNotMatch(JSON.stringify([judged.findings, judged.products]), /slmgr \/(?:ckms|skms)|ospp\.vbs \/(?:act|remhst)/)
    // Evidence points at what the machine said, and no key but its end is in anything that is shown.
    for (const e of [...judged.products.flatMap((p) => p.evidence), ...judged.findings.flatMap((f) => f.evidence)]) {
      assert.equal(e.source, facts.name)
      assert.ok(e.line >= 1)
      assert.match(e.text, /^[\w ]+: /)
    }
    for (const s of [...plan.steps, ...plan.fallbacks.flatMap((f) => f.steps)]) {
      if (s.arguments.ProductKey !== undefined) assert.ok(clientKeys.some((row) => row.key === s.arguments.ProductKey))
      assert.equal(s.activates, s.method === 'Activate')
      assert.doesNotMatch(`${s.what} ${s.because}`, /(?:[A-Z0-9]{5}-){4}[A-Z0-9]{5}/)
    }
    assert.equal(planMachine(factsOf(c, {}, options.wishes), options).fingerprint, plan.fingerprint)
    if (!c.after) return
    const after = factsOf(c, c.after, options.wishes)
    // Before it is done, nothing that is planned holds already.
    for (const s of plan.steps)
      if (s.change !== 'clear-registry-key')
        assert.equal(verifyStep(s, facts, facts, options).holds, false, `${call(s)} holds before it was done`)
    assert.deepEqual(
      plan.steps.map((s) => verifyStep(s, facts, after, options)).map((v, i) => (v.holds === c.verify?.[i] ? v.holds : v.because)),
      c.verify,
    )
    for (const s of plan.steps) if (c.verify?.every(Boolean)) assert.ok(resolveStep(s, after), `${call(s)}: its entry is not found`)
    if (c.again) assert.deepEqual(planMachine(after, { ...options, renew: false, asked: [] }).steps.map(call), c.again)
  })
}

const call = (s: {
  class: string
  method: string
  key: Readonly<Record<string, string>> | null
  arguments: object
  secret: { reference: object } | null
}) =>
  [
    `${s.class}.${s.method}`,
    ...(s.key ? [Object.values(s.key).join(' ').slice(0, 8)] : []),
    ...Object.entries(s.arguments).map(([k, v]) => `${k}=${k === 'ProductKey' ? `…${String(v).slice(-5)}` : v}`),
    ...(s.secret ? [`ProductKey from ${JSON.stringify(s.secret.reference)}`] : []),
  ].join(' ')
