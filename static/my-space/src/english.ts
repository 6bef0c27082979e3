/** The sentences of this page. */
import common from '../../../src/locales/app/common.en-US.json';
import mySpace from '../../../src/locales/app/my-space.en-US.json';
import person from '../../../src/locales/app/person.en-US.json';

export const english = { ...common, ...person, ...mySpace };
