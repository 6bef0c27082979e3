/** The design tokens that Confluence uses on its pages and that `view.theme.enable()` gives to an app. */
import { createRequire } from 'node:module';

// The package has no `exports` map, so Node's ESM resolver does not find its entry folders; require does.
const require = createRequire(import.meta.url);
const flags = require('@atlaskit/platform-feature-flags') as typeof import('@atlaskit/platform-feature-flags');
flags.setBooleanFeatureFlagResolver(() => false);
const { default: getThemeStyles } = require('@atlaskit/tokens/get-theme-styles') as typeof import('@atlaskit/tokens/get-theme-styles');

export const THEME_ATTRIBUTE = 'light:light dark:dark spacing:spacing typography:typography shape:shape motion:motion';

let css: Promise<string> | undefined;

export function themeCss(): Promise<string> {
  css ??= getThemeStyles('all').then((themes) =>
    themes
      .filter((theme) => ['light', 'dark', 'spacing', 'typography', 'shape', 'motion'].includes(theme.id))
      .map((theme) => theme.css)
      .join('\n'),
  );
  return css;
}
