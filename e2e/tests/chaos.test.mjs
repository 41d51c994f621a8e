// Goal and method as in e2e/soak/chaos.mjs, which `make soak` runs for ten minutes; here for a quarter of a minute.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chaos, judge } from '../soak/chaos.mjs';

test('whatever happens on a stage, the program goes on', async () => {
  const seed = Number(process.env.CHAOS_SEED ?? 7);
  console.log(`chaos: seed ${seed}`);
  const report = await chaos({ seconds: 15, seed });
  const told = JSON.stringify(report);
  for (const of of [report.video, report.audio]) {
    assert.ok(of.seconds > 12, told);
    assert.equal(of.backwards, 0, told);
    assert.deepEqual(of.gaps, [], told);
    assert.ok(of.widestAtKill <= 2_000, told);
  }
  assert.ok(Object.keys(report.done).length >= 5, `chance did little: ${told}`);
  assert.ok(report.isOneConnection && report.viewer.lost === 0, told);
  assert.deepEqual([report.left, report.code], [0, 0], told);
});

test('a step back and a gap are found, and a gap at a kill is told apart', () => {
  const times = [0, 0.033, 0.066, 0.3, 0.29, 20, 20.5];
  const { backwards, gaps, widestAtKill } = judge(times, [1_000_000 + 20_500], 1_000_000);
  assert.equal(backwards, 1);
  assert.deepEqual(gaps.map(({ step }) => step), [234]);
  assert.equal(Math.round(widestAtKill), 19_710);
});
