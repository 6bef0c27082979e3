/** Everything a person may ask, in a notice or on "My personal space". No function takes another person's account id. */
import { makeResolver } from '../define';
import { noticeFunctions } from './notice';
import { offerFunctions } from './offer';
import { ownSpaceFunctions } from './own-space';

export const personApi = { ...noticeFunctions, ...offerFunctions, ...ownSpaceFunctions };

export const personResolver = makeResolver(personApi, 'person');
