// Where the songs of a record lie, how they fade, what an address names, and that nothing gives a blind test away by its order.
import test from 'node:test';
import assert from 'node:assert/strict';
import { envelope, layOut } from '../album.js';
import { shuffled } from '../blind.js';
import { routeOf, takeArrival } from '../main.js';

const song = (seconds, item) => ({ song: {}, version: { files: [{ facts: { frames: seconds * 1000, sample_rate: 1000 } }] }, item });

test("gaps, crossfades and trims lie where the spacing has them", () => {
  const parts = layOut([song(100, { gap_ms: 0 }), song(50, { gap_ms: 2000, trim_in_ms: 1000, trim_out_ms: 4000 }), song(30, { crossfade_ms: 5000, shape: "LINEAR" })]);
  assert.deepEqual(parts.map((it) => [it.start, it.end, it.trimIn]), [[0, 100, 0], [102, 147, 1], [142, 172, 0]]);
  assert.equal(parts[1].leaves, 5);
  assert.ok(Math.abs(envelope(parts[2], 2.5) - 0.5) < 1e-9 && Math.abs(envelope(parts[1], 42.5) - 0.5) < 1e-9);
  assert.equal(envelope(parts[0], 50), 1);
  const [faded] = layOut([song(10, { fade_in_ms: 2000, fade_out_ms: 2000, shape: "EQUAL_POWER" })]);
  assert.ok(Math.abs(envelope(faded, 1) ** 2 - 0.5) < 1e-9);
  assert.equal(layOut([song(3, null)])[0].end, 3);
});

test("an address names a place, and what came with a link is taken out of it at once", () => {
  assert.deepEqual(routeOf("#/p/1/s/2/v/3"), { project: "1", song: "2", version: "3", album: false });
  assert.deepEqual(routeOf("#/p/1/album"), { project: "1", song: "", version: "", album: true });
  assert.equal(routeOf("#x").project, "");
  const past = [];
  const history = { replaceState: (...args) => past.push(args.at(-1)) };
  const secret = `dwx_link_${"a".repeat(49)}`;
  assert.deepEqual(takeArrival({ pathname: "/s", hash: `#${secret}` }, history), { way: "link", secret });
  assert.deepEqual(past, ["/"]);
  assert.deepEqual(takeArrival({ pathname: "/", hash: `#${secret}` }, history), { way: "", secret: "" });
});

test("every order comes about as often as any other", () => {
  const counts = {};
  let seed = 7;
  const random = (below) => Math.floor(((seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648) * below);
  for (let n = 0; n < 6000; n++) counts[shuffled([1, 2, 3], random).join("")] = (counts[shuffled([1, 2, 3], random).join("")] ?? 0) + 1;
  assert.equal(Object.keys(counts).length, 6);
});
