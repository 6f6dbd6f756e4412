/** The pages between the provider of single sign-on and the dashboard. They need no script and no file. */
import { type Problem, ProblemError, problem } from '../model.ts'

const type = 'text/html; charset=utf-8'
const escaped = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
const page = (title: string, head: string, body: string) => ({
  type,
  html: `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>${escaped(title)}</title>${head}</head><body><main>${body}</main></body></html>\n`,
})

/**
 * Leads on to a path of ours. A redirect would not do: whoever comes from the provider's page does not bring a SameSite=Strict cookie
 * along (RFC 6265bis, 5.2), but from this page they do.
 */
export function goOnPage(to: string, title = 'Signed in'): { readonly type: string; readonly html: string } {
  const path = escaped(to)
  return page(title, `<meta http-equiv="refresh" content="0;url=${path}">`, `<h1>${title}</h1><p><a href="${path}">Go on</a></p>`)
}

/** Says why somebody was not let in. */
export function refusedPage({ code, summary, next }: Problem): { readonly type: string; readonly html: string } {
  const steps = next.map((n) => `<li>${escaped(n)}</li>`).join('')
  return page(
    'Not signed in',
    '',
    `<h1>Not signed in</h1><p>${escaped(summary)} (${escaped(code)})</p><ul>${steps}</ul><p><a href="/sign-in">Back to sign-in</a></p>`,
  )
}

export const notSetUp = () =>
  new ProblemError(
    problem('OPENID_UNKNOWN', 'This server has no single sign-on.', [
      'sign-in: {openid: …} of the site file sets it up: docs/guide/sign-in.md',
    ]),
  )
