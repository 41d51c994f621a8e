// Holds that all `unsafe` of this repository is where the table says: every other program and library forbids it for good.
// Reads `cargo metadata` and the sources; exits 1 with one line a breach.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The one module of a crate that may hold `unsafe`; it says why in its opening paragraph. */
const exceptions = { sfu: 'sfu/src/socket.rs' };

const root = process.cwd();
const metadata = JSON.parse(execFileSync('cargo', ['metadata', '--format-version', '1', '--no-deps', '--locked'], { maxBuffer: 64 << 20 }));
const breaches = [];
let roots = 0;
for (const { name, targets } of metadata.packages) {
  for (const { kind, src_path: path } of targets) {
    if (!kind.some((k) => ['lib', 'bin', 'example'].includes(k))) continue;
    roots += 1;
    const wanted = name in exceptions ? '#![deny(unsafe_code)]' : '#![forbid(unsafe_code)]';
    if (!readFileSync(path, 'utf8').split('\n').includes(wanted)) breaches.push(`${relative(root, path)}: does not say ${wanted}`);
  }
}
const allowed = Object.values(exceptions);
for (const { manifest_path: manifest } of metadata.packages) {
  const folder = join(manifest, '..');
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = relative(root, join(entry.parentPath, entry.name));
    if (!entry.isFile() || !path.endsWith('.rs') || path.includes('node_modules/') || path.includes('target/')) continue;
    const allows = /(allow|expect)\s*\([^)]*\bunsafe_code\b/.test(readFileSync(path, 'utf8'));
    if (allows !== allowed.includes(path)) breaches.push(`${path}: ${allows ? 'allows unsafe code' : 'is named for unsafe code but has none'}`);
  }
}
if (breaches.length) { console.error(breaches.join('\n')); process.exit(1); }
console.log(`unsafe: ${roots} libraries and programs, all of it in ${allowed.join(', ')}`);
