/** What every answer says to the browser: run nothing but our own files, be shown in no frame, tell nobody where people come from. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ')

const always = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()',
  'cache-control': 'no-store',
} as const

/** Over TLS browsers keep to TLS for a year. Where a file of the pages may be kept, it says so itself. */
export const securityHeaders = (secure: boolean): Readonly<Record<string, string>> =>
  secure ? { ...always, 'strict-transport-security': 'max-age=31536000' } : always
