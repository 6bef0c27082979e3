import '@atlaskit/css-reset/dist/bundle.css';
import './admin.css';
import { view } from '@forge/bridge';
import { createRoot } from 'react-dom/client';
import { useLocale } from '../../shared/text';
import { App } from './App';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
// The host gives the design tokens; until they are there, nothing is drawn in wrong colours.
const [{ locale }] = await Promise.all([view.getContext(), view.theme.enable()]);
useLocale(locale);
createRoot(root).render(<App />);
