import { defineConfig } from 'vite';

// Everything is a file of its own: the policy of the server's answers forbids scripts and styles
// inside the page.
export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { proxy: { '/api': 'http://127.0.0.1:8099' } }, // node tests/mock.mjs
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: false,
  },
});
