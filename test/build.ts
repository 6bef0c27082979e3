/** Builds what Forge deploys: the function bundle (webpack and ts-loader, as Atlassian's bundler does) and the Custom UI. */
import { resolve } from 'node:path';
import { build as viteBuild } from 'vite';
import webpack from 'webpack';

const ROOT = resolve(import.meta.dirname, '..');
/** As manifest.yml names them. */
const RESOURCES = ['admin', 'my-space', 'notice'];

export function buildFunctions(): Promise<void> {
  const compiler = webpack({
    context: ROOT,
    entry: { index: resolve(ROOT, 'src/index.ts') },
    mode: 'production',
    target: 'node',
    optimization: { minimize: false },
    devtool: false,
    performance: false,
    output: { libraryTarget: 'commonjs', path: resolve(ROOT, '.cache/functions'), filename: '[name].cjs' },
    resolve: { extensions: ['.ts', '.tsx', '.js', '.jsx', '.json', '.cjs'] },
    module: {
      rules: [
        {
          test: /\.tsx?$/,
          exclude: /node_modules/,
          // `npm run check` has type-checked everything; here the types are only taken away.
          use: [{ loader: 'ts-loader', options: { transpileOnly: true, onlyCompileBundledFiles: true } }],
        },
      ],
    },
  });
  return new Promise((done, fail) => {
    compiler.run((error, stats) => {
      compiler.close(() => {
        if (error) fail(error);
        else if (stats?.hasErrors()) fail(new Error(stats.toString({ all: false, errors: true })));
        else done();
      });
    });
  });
}

export async function buildCustomUi(): Promise<void> {
  for (const resource of RESOURCES) {
    await viteBuild({ configFile: resolve(ROOT, 'static/vite.config.ts'), mode: resource, logLevel: 'warn' });
  }
}

if (process.argv[1] === import.meta.filename) {
  await Promise.all([buildFunctions(), buildCustomUi()]);
}
