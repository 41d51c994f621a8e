// Holds the layering of ARCHITECTURE.md: rules know nothing, shells know rules, only the server knows the shells, and each
// heavy library is named by the crates that may name it. Reads `cargo metadata`; exits 1 with one line a breach.
import { execFileSync } from 'node:child_process';

const metadata = JSON.parse(execFileSync('cargo', ['metadata', '--format-version', '1', '--no-deps', '--locked'], { maxBuffer: 64 << 20 }));
const packages = new Map(metadata.packages.map((p) => [p.name, p]));

/** Which of our own crates a crate may depend on (tests may use more). */
const ours = {
  'room-rules': [],
  'wire-format': ['room-rules', 'media-rules'],
  'media-rules': [],
  'web-demo': [],
  sfu: ['media-rules'],
  signaling: ['room-rules', 'wire-format', 'media-rules', 'web-demo'],
  ledger: [],
  mixer: ['media-rules'],
  'relay-cdn': ['media-rules'],
  server: ['room-rules', 'wire-format', 'media-rules', 'sfu', 'signaling', 'ledger', 'mixer', 'relay-cdn', 'web-demo'],
  'load-tester': [],
  examples: [],
  interop: [],
  benches: ['room-rules', 'wire-format', 'media-rules'],
};
/** Who may name a library. A trailing * matches a prefix; dev-dependencies are free. */
const libraries = {
  'rtc-*': ['sfu', 'load-tester'],
  webrtc: ['load-tester'],
  'gstreamer*': ['mixer'],
  axum: ['signaling', 'server'],
  'cosmic-text': ['mixer'],
  dashmap: ['signaling'],
  image: ['mixer'],
  'tokio-tungstenite': ['load-tester', 'examples'],
  rml_rtmp: ['relay-cdn'],
  rusqlite: ['ledger'],
  postgres: [],
  'tokio-postgres': ['ledger'],
  'tokio-rustls': ['ledger'],
};
/** What the rules may never name. */
const impure = ['tokio', 'axum', 'rand', 'fastrand', 'libc', 'rustix', 'tracing', 'metrics'];

const breaches = [];
for (const [name, pkg] of packages) {
  if (!(name in ours)) { breaches.push(`${name}: is not in the layering table`); continue; }
  for (const dep of pkg.dependencies.filter((d) => d.kind !== 'dev')) {
    if (packages.has(dep.name) && !ours[name].includes(dep.name)) breaches.push(`${name} may not depend on ${dep.name}`);
    for (const [library, users] of Object.entries(libraries)) {
      const matches = library.endsWith('*') ? dep.name.startsWith(library.slice(0, -1)) : dep.name === library;
      if (matches && !users.includes(name)) breaches.push(`${name} may not name ${dep.name}`);
    }
    if ((name.endsWith('-rules') || name === 'wire-format') && impure.includes(dep.name)) breaches.push(`${name} must stay without I/O, but names ${dep.name}`);
  }
}
if (breaches.length) { console.error(breaches.join('\n')); process.exit(1); }
console.log(`layers: ${packages.size} crates keep to ARCHITECTURE.md`);
