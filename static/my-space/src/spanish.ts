/** The sentences of this page in Spanish: a separate chunk that only Spanish readers load. */
import common from '../../../src/locales/app/common.es-ES.json';
import mySpace from '../../../src/locales/app/my-space.es-ES.json';
import person from '../../../src/locales/app/person.es-ES.json';

export const spanish = { ...common, ...person, ...mySpace };
