/**
 * Makes a case of a text: `node scripts/case.ts FILE…` writes NAME.json beside each text in test/cases/diagnose with what slmctl
 * answers now. Read it, compare it with what the text really says, correct it: a case is a belief, not a recording.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { decode, diagnose } from '../src/activation.ts'
import { readSite } from '../src/site.ts'

for (const file of process.argv.slice(2)) {
  const target = file.replace(/\.[^.]+$/, '.json')
  const old = existsSync(target)
    ? JSON.parse(readFileSync(target, 'utf8'))
    : { from: 'written for this project after the layout of the real tools' }
  const { text, encoding } = decode(readFileSync(file))
  const site = old.site ? readSite(old.site, readFileSync(`test/cases/sites/${old.site}`, 'utf8')).site : null
  const d = diagnose([{ source: 'text', text, encoding }], { site, readAt: '2026-11-01T12:00:00Z' })
  const expect = {
    kind: d.sources[0]!.kind,
    machine: { verdict: d.machine.verdict, origin: d.machine.origin },
    machines: d.machines.map((m) => m.name),
    products: d.products.map((p) => ({
      application: p.application,
      edition: p.edition,
      channel: p.channel,
      method: p.method,
      addOn: p.addOn,
      partialKey: p.partialKey,
      activationId: p.activationId,
      state: p.state,
      reason: p.reason,
      minutesLeft: p.minutesLeft,
      expires: p.expires,
      kms: p.kms,
      count: p.count,
      verdict: p.verdict,
      origin: p.origin,
      lines: [...new Set(p.evidence.map((e) => e.line))].sort((a, b) => a - b),
    })),
    events: d.events.map((e) =>
      Object.fromEntries(
        Object.entries({
          id: e.id,
          code: e.code,
          host: e.host,
          activationId: e.activationId,
          state: e.state,
          minutesLeft: e.minutesLeft,
          count: e.count,
          requiredCount: e.requiredCount,
          time: e.time,
          computer: e.computer,
        }).filter(([, v]) => v !== null),
      ),
    ),
    codes: d.codes.map((c) => c.code),
    findings: d.findings.map((f) => f.rule),
    unread: d.unread.map((u) => u.line),
    problems: d.problems.map((p) => p.code),
  }
  writeFileSync(target, `${JSON.stringify({ ...old, expect }, null, 2)}\n`)
}
