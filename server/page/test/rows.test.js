// The model by keys: snapshots, changes, threads; and the words that people read.
import test from 'node:test';
import assert from 'node:assert/strict';
import { Rows, may, placeOf } from '../rows.js';
import { alternateName, clock, decibels, deviceName, fingerprint, line, list, lufs, readClock, scrub, spoken } from '../words.js';
import { codeIn } from '../signer.js';

const note = (id, more = {}) => ({ key: `note/${id}`, note: { note_id: id, song_id: "s", parent_note_id: "", at_ms: 1, start_ms: null, end_ms: null, places: [], ...more } });
const update = (seq, upserts, more = {}) => ({ seq, snapshot: false, upserts, removals: [], ...more });

test("a snapshot replaces all of it, when its last piece is there", () => {
  const rows = new Rows();
  assert.ok(rows.take(update(3, [{ key: "project", project: { title: "EP" } }, note("a")], { snapshot: true })));
  assert.equal(rows.project.title, "EP");
  rows.take(update(0, [{ key: "project", project: { title: "LP" } }], { snapshot: true }));
  assert.equal(rows.project.title, "EP", "half a snapshot is none");
  rows.take(update(9, [note("b")]));
  assert.deepEqual([rows.project.title, rows.all("note/").map((it) => it.note_id).join(), rows.seq], ["LP", "b", 9]);
  rows.take(update(10, [], { removals: ["note/b"] }));
  assert.equal(rows.all("note/").length, 0);
  assert.equal(rows.take(update(10, [])), false, "a heartbeat");
});

test("threads stand by their place in the version, replies by time", () => {
  const rows = new Rows();
  rows.take(update(1, [
    { key: "project", project: {} }, note("whole"), note("late", { start_ms: 9000, places: [{ version_id: "v2", kind: "MOVED", start_ms: 100, end_ms: null }] }),
    note("early", { start_ms: 500 }), note("r2", { parent_note_id: "r1", at_ms: 9 }), note("r1", { parent_note_id: "early", at_ms: 5 }), note("other", { song_id: "t" }),
  ], { snapshot: true }));
  const order = (version) => rows.threads("s", version).map((it) => it.note.note_id).join();
  assert.equal(order("v1"), "whole,early,late");
  assert.equal(order("v2"), "whole,late,early");
  assert.deepEqual(rows.threads("s", "v1")[1].replies.map((it) => it.note_id), ["r1", "r2"]);
  assert.equal(placeOf(rows.all("note/late")[0], "v2").moved, "MOVED");
});

test("versions stand with the newest first, masters before mixes", () => {
  const rows = new Rows();
  const version = (id, kind, number) => ({ key: `version/${id}`, version: { version_id: id, song_id: "s", kind, number, line: "" } });
  rows.take(update(1, [{ key: "project", project: {} }, version("t", "TAKE", 3), version("m1", "MIX", 1), version("m2", "MIX", 2), version("x", "MASTER", 1)], { snapshot: true }));
  assert.equal(rows.versions("s").map((it) => it.version_id).join(), "x,m2,m1,t");
  assert.equal(may({ allowed: [{ action: "approve", yes: true }] }, "approve").yes, true);
  assert.equal(may(null, "approve").yes, false);
});

test("what others wrote comes without control and direction marks", () => {
  assert.equal(scrub("a\u202eb\u0007c\u200bd\nx"), "abcd\nx");
  assert.equal(line(" a \n b\u2066 "), "a b");
});

test("times and levels are written as people read them, and read as they write them", () => {
  for (const [ms, said] of [[0, "0:00.0"], [59999, "0:59.9"], [60000, "1:00.0"], [83450, "1:23.4"], [3600000, "60:00.0"]]) assert.equal(clock(ms), said);
  assert.equal(clock(83450, false), "1:23");
  for (const [said, ms] of [["1:23.4", 83400], ["83,4", 83400], ["1:02:03", 3723000], ["7", 7000], ["", null], ["1:2:3:4", null], ["x", null]]) assert.equal(readClock(said), ms, said);
  assert.equal(spoken(61500), "1 minute 1.5 seconds");
  assert.deepEqual([lufs(-14.04), lufs(-Infinity), decibels(-0.01), decibels(2), decibels(-2.25)], ["\u221214.0 LUFS", "silence", "0.0 dB", "+2.0 dB", "\u22122.3 dB"]);
  assert.equal(fingerprint("0123456789abcdefff"), "0123 4567 89ab cdef");
  assert.equal(list(["a", "b", "c"]), "a, b and c");
  assert.deepEqual([alternateName("main"), alternateName("vocal-up+0.5"), alternateName("vocal-down-1"), alternateName("no-strings")], ["Main", "Vocal up +0.5 dB", "Vocal down \u22121 dB", "No strings"]);
  assert.equal(deviceName("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"), "Chrome on Linux");
});

test("a code is found in what was pasted", () => {
  const code = `dwx_invite_${"a1B2".repeat(12)}c`;
  assert.equal(codeIn(` deadwax://studio:4747/${code}#sha256=00 `), code);
  assert.equal(codeIn("hello"), "");
  assert.equal(codeIn("f".repeat(40)), "f".repeat(40));
});
