/** The sentences of this page in Spanish: a separate chunk that only Spanish readers load. */

import admin from '../../../src/locales/app/admin.es-ES.json';
import common from '../../../src/locales/app/common.es-ES.json';

export const spanish = { ...common, ...admin };
