import { start } from '../../shared/start';
import { english } from './english';
import { MySpace } from './MySpace';

await start(<MySpace />, { english, spanish: async () => (await import('./spanish')).spanish });
