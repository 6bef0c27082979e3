/** How every page starts: feature flags, design tokens, language, and then its content. */
import '@atlaskit/css-reset/dist/bundle.css';
import './page.css';
import { setBooleanFeatureFlagResolver } from '@atlaskit/platform-feature-flags';
import { view } from '@forge/bridge';
import type { ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import { pageLanguage, type Sentences, setLocale } from './text';
import { followVisibleArea } from './visible-area';

/**
 * Atlaskit's modal dialog in its older form locks scrolling by a `<style>` that Forge's CSP blocks; the
 * newer one, on the browser's own <dialog>, is behind this flag. Drop it when that is the default.
 */
const NATIVE_DIALOG = 'platform-dst-top-layer';

export async function start(page: ReactElement, sentences: Sentences): Promise<void> {
  setBooleanFeatureFlagResolver((flag) => flag === NATIVE_DIALOG);
  const root = document.getElementById('root');
  if (!root) throw new Error('index.html has no #root');
  // The host provides the design tokens; nothing is drawn before, so that nothing has the wrong colors.
  const [{ locale }] = await Promise.all([view.getContext(), view.theme.enable()]);
  await setLocale(locale, sentences);
  document.documentElement.lang = pageLanguage();
  followVisibleArea();
  createRoot(root).render(page);
}
