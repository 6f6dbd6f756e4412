/**
 * Where a provider of single sign-on sends people back to by a form (OAuth 2.0 Form Post Response Mode). That form comes from another
 * site, so that no SameSite=Lax cookie comes along, and what belongs to the try is in one. Nothing is looked at or done here: the answer
 * is a page of ours that leads on to the address which takes the same words as a query, and from there the cookie comes. So the cookie
 * need not be open to every other site (SameSite=None), and a forged form does no more than a link could.
 */
import type { FastifyInstance } from 'fastify'
import { goOnPage } from './sign-in-page.ts'

/** What a provider answers (RFC 6749, 4.1.2; RFC 9207). The rest is nobody's. */
const words = ['code', 'state', 'iss', 'error', 'error_description']
/** A code of AD FS or Entra ID has up to 2 kB; the address that it becomes has to fit into the headers. */
const mostBytes = 8 * 1024

/** Adds the address to the server. */
export function registerFormPost(server: FastifyInstance, path: string): void {
  void server.register(async (only) => {
    only.removeAllContentTypeParsers()
    only.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: mostBytes }, (_, body, done) =>
      done(null, body),
    )
    only.post(path, { bodyLimit: mostBytes }, async (request, reply) => {
      const came = [...new URLSearchParams(typeof request.body === 'string' ? request.body : '')].filter(([name]) => words.includes(name))
      const { type, html } = goOnPage(`${path}?${new URLSearchParams(came)}`, 'Signing in')
      return await reply.type(type).send(html)
    })
  })
}
