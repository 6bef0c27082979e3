import '@atlaskit/css-reset/dist/bundle.css';
import './admin.css';
import { setBooleanFeatureFlagResolver } from '@atlaskit/platform-feature-flags';
import { view } from '@forge/bridge';
import { createRoot } from 'react-dom/client';
import { setLocale } from '../../shared/text';
import { App } from './App';

/**
 * Atlaskit's modal dialog in its older form locks scrolling by a `<style>` that Forge's CSP blocks; the
 * newer one, on the browser's own <dialog>, is behind this flag. Drop it when that is the default.
 */
const NATIVE_DIALOG = 'platform-dst-top-layer';
setBooleanFeatureFlagResolver((flag) => flag === NATIVE_DIALOG);

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
// The host gives the design tokens; until they are there, nothing is drawn in wrong colours.
const [{ locale }] = await Promise.all([view.getContext(), view.theme.enable()]);
setLocale(locale);
createRoot(root).render(<App />);
