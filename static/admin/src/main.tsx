import { start } from '../../shared/start';
import { App } from './App';
import { english } from './english';

await start(<App />, { english, spanish: async () => (await import('./spanish')).spanish });
