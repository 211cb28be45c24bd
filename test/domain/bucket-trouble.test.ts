import { expect, test } from 'vitest';
import { refusedCredentialsHint, saidBy } from '../../src/domain/bucket-trouble.js';

test.each([
  [{ AWS_PROFILE: 'site', AWS_ACCESS_KEY_ID: 'AKIA' }, "profile 'site' of ~/.aws"],
  [{ AWS_ACCESS_KEY_ID: 'AKIA' }, 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment'],
  [{}, 'the default profile of ~/.aws, or the role of this container or machine'],
])('credentials that are refused are told by where they come from: %j', (env, which) => {
  expect(refusedCredentialsHint('origin', env)).toBe(
    `check the credentials of the origin (${which}), then: nightpress run {job}`,
  );
});

test.each([
  [{ name: 'InvalidAccessKeyId', status: 403, message: 'UnknownError' }, 'InvalidAccessKeyId, 403'],
  [{ name: 'SlowDown', status: 503, message: 'Please\nreduce' }, 'SlowDown, 503: Please reduce'],
  [{ name: '', message: 'an answer of 200' }, 'an answer of 200'],
  [{ name: 'ECONNREFUSED', message: '' }, 'ECONNREFUSED'],
])('a store is told in its own words, where it has any: %j', (told, said) => {
  expect(saidBy(told)).toBe(said);
});
