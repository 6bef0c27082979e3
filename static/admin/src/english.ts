/** The sentences of this page. */

import admin from '../../../src/locales/app/admin.en-US.json';
import common from '../../../src/locales/app/common.en-US.json';

export const english = { ...common, ...admin };
