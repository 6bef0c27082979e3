import { start } from '../../shared/start';
import { MySpace } from './MySpace';

await start(<MySpace />);
