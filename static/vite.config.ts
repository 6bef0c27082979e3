/** Builds one Custom UI resource (`--mode admin` or `notice`) into static/dist/<resource>, with all CSS extracted for Forge's CSP. */
import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig(({ mode: resource }) => ({
  root: resolve(import.meta.dirname, resource),
  base: './',
  plugins: [react()],
  define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}' },
  build: {
    outDir: resolve(import.meta.dirname, 'dist', resource),
    emptyOutDir: true,
    cssCodeSplit: false,
    // Inlined assets would be data: URLs, which Forge's CSP blocks for fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_500,
    ...(resource === 'notice'
      ? {
          // One classic script: what runs on every page view of somebody with a notice starts at once.
          rollupOptions: {
            output: { format: 'iife' as const, entryFileNames: 'notice.js' },
            // Vite's own preload helper mentions `import.meta`, in a branch that a single script never takes.
            checks: { emptyImportMeta: false },
          },
        }
      : {}),
  },
}));
