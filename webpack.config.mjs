/** Builds the functions into one CommonJS file for each entry that the manifest names, with webpack and ts-loader as Atlassian's own bundler does. */
import { resolve } from 'node:path';

const ROOT = import.meta.dirname;

/**
 * Libraries without a state of their own, which the local site loads once from node_modules: its processes evaluate their bundles
 * anew, thousands of times in a test run. What is deployed contains them, because `forge deploy` bundles by itself.
 */
const LOADED_ONCE = ['zod', 'lru-cache', 'saxes', '@formatjs/intl'];

/** @returns {import('webpack').Configuration} with `--env whole`, everything is in the bundles, as in what is deployed */
export default ({ whole = false } = {}) => ({
  context: ROOT,
  entry: Object.fromEntries(['index', 'activity', 'watch'].map((name) => [name, resolve(ROOT, `src/${name}.ts`)])),
  mode: 'production',
  target: 'node',
  externals: whole ? {} : Object.fromEntries(LOADED_ONCE.map((name) => [name, `commonjs ${name}`])),
  optimization: { minimize: false },
  devtool: false,
  performance: false,
  stats: 'errors-warnings',
  output: { libraryTarget: 'commonjs', path: resolve(ROOT, whole ? '.cache/whole-functions' : '.cache/functions'), filename: '[name].cjs' },
  resolve: { extensions: ['.ts', '.tsx', '.js', '.jsx', '.json', '.cjs'] },
  module: {
    rules: [
      {
        test: /\.tsx?$/,
        exclude: /node_modules/,
        // `npm run types` checks the types; here they are only removed.
        use: [{ loader: 'ts-loader', options: { transpileOnly: true, onlyCompileBundledFiles: true } }],
      },
    ],
  },
});
