import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** The pages are one document; what is built is packed into one file by scripts/build-web.ts. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/',
  publicDir: false,
  build: {
    // Browsers of 2024 and later: they know light-dark(), and <dialog>, which keeps the focus inside.
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // The policy of the server allows files of its own and nothing else: no data: address, no script in the document.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // One style sheet: nothing moves when a page's own part arrives.
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  server: { host: '127.0.0.1', proxy: { '/api': { target: process.env.SLMCTL_SERVER ?? 'http://127.0.0.1:8080', changeOrigin: true } } },
})
