import { start } from '../../shared/start';
import { App } from './App';

await start(<App />);
