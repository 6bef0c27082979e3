/** Builds one Custom UI resource (`--mode admin`, `my-space` or `notice`) into static/dist/<resource>, with all CSS extracted for Forge's CSP. */
import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import postcss from 'postcss';
import { defineConfig, type Plugin } from 'vite';

// What is deployed is built for production, whoever builds it: a test runner says otherwise of itself.
process.env.NODE_ENV = 'production';

/**
 * Atlaskit's styles are one-property classes; of two that fit, the later one wins, so those for wide screens
 * must stand last. Put together from several chunks they do not.
 */
function mediaRulesLast(): Plugin {
  return {
    name: 'media-rules-last',
    enforce: 'post',
    generateBundle: (_options, bundle) => {
      for (const file of Object.values(bundle)) {
        if (file.type !== 'asset' || !file.fileName.endsWith('.css')) continue;
        const root = postcss.parse(String(file.source));
        const media = root.nodes.filter((node) => node.type === 'atrule' && node.name === 'media');
        root.append(...media.map((node) => node.remove()));
        file.source = root.toString();
      }
    },
  };
}

export default defineConfig(({ mode: resource }) => ({
  root: resolve(import.meta.dirname, 'static', resource),
  base: './',
  logLevel: 'warn' as const,
  plugins: [react(), mediaRulesLast()],
  define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}' },
  // Keys have dots in them, so a catalogue is one object and not a module of names.
  json: { namedExports: false },
  build: {
    outDir: resolve(import.meta.dirname, 'static/dist', resource),
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
