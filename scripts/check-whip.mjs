// Holds that each row of docs/WHIP.md names a test, or says that it is `outside` of this program, and that each test is where the
// table of places says. Exits 1 with one line a breach.
import { readFileSync } from 'node:fs';

const source = 'docs/WHIP.md';
const places = new Map();
const breaches = [];
let [rows, named] = [0, 0];
let heads = [];

for (const [index, line] of readFileSync(source, 'utf8').split('\n').entries()) {
  const cells = line.startsWith('|') ? line.split('|').slice(1, -1).map((cell) => cell.trim()) : [];
  if (!cells.length || cells[0].startsWith('---')) continue;
  if (['place', 'clause'].includes(cells[0])) { heads = cells; continue; }
  if (heads[0] === 'place') {
    places.set(cells[0], testsIn(cells[2].replaceAll('`', '')));
    continue;
  }
  rows += 1;
  const tests = [...cells.at(-1).matchAll(/`(\w+): ([^`]+)`/g)].map(([, place, name]) => ({ place, name }));
  if (!tests.length && cells.at(-1) !== 'outside') breaches.push(`${source}:${index + 1}: names no test`);
  for (const { place, name } of tests) {
    named += 1;
    const known = places.get(place);
    const start = name.endsWith('..') ? name.slice(0, -2) : null;
    const isThere = known?.some((test) => (start === null ? test === name : test.startsWith(start)));
    if (!isThere) breaches.push(`${source}:${index + 1}: there is no test \`${place}: ${name}\``);
  }
}
if (!rows) breaches.push(`${source}: has no rows`);
if (breaches.length) { console.error(breaches.join('\n')); process.exit(1); }
console.log(`whip: ${rows} clauses, ${named} tests named and there`);

/** Names of the tests in a file: functions under a test attribute in Rust, the titles of `test(..)` elsewhere. */
function testsIn(file) {
  const text = readFileSync(file, 'utf8');
  const tests = file.endsWith('.rs')
    ? text.matchAll(/#\[(?:tokio::)?test(?:\([^)]*\))?\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)/g)
    : text.matchAll(/^test\('((?:[^'\\]|\\.)*)'/gm);
  return [...tests].map(([, name]) => name);
}
