/**
 * Completes package-lock.json: `npm ci` refuses a lock file that leaves out any optional package, those for other
 * platforms included, and npm leaves out what the registry it was run against does not serve. Usage, after each
 * `npm install PACKAGE`:
 *
 *     node hack/lockfile/complete.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { completeLock } from './complete_lock.ts';

const file = path.resolve(import.meta.dirname, '../../package-lock.json');
const { text, added } = completeLock(readFileSync(file, 'utf8'));
if (added.length > 0) writeFileSync(file, text);
console.log(
  added.length === 0 ? 'package-lock.json is complete' : `added ${added.length}: ${added.join(' ')}`,
);
