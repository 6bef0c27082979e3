/** What this page says in Spanish: a file of its own, for those who read it. */

import admin from '../../../src/locales/app/admin.es-ES.json';
import common from '../../../src/locales/app/common.es-ES.json';

export const spanish = { ...common, ...admin };
