// Where frames lie, what is turned down by how much, and that an unsent note is sent once.
import test from 'node:test';
import assert from 'node:assert/strict';
import { findFrame, frameAt, readHead } from '../mp3.js';
import { gainsOf } from '../player.js';
import { shaped } from '../wave.js';
import { Outbox } from '../outbox.js';
import { Player } from '../player.js';
import { Refusal } from '../net.js';

// A file of a constant 320 kbit/s at 44.1 kHz as LAME lays it: an Info frame, then frames of 1044 or 1045 bytes. Its sound is filled with what looks like heads.
function copy(frames, { delay = 576, padding = 1000 } = {}) {
  const parts = [];
  const exact = 144 * 320000 / 44100;
  const frame = (padded) => {
    const bytes = new Uint8Array(1044 + padded);
    bytes.set([255, 251, 224 | (padded << 1), 0]);
    for (let at = 4; at < bytes.length - 4; at += 5) bytes.set([255, 251, 224], at);
    return bytes;
  };
  const info = frame(0).fill(0, 4);
  info.set(new TextEncoder().encode("Info"), 36);
  info[43] = 15;
  const lame = 44 + 4 + 4 + 100 + 4;
  info.set(new TextEncoder().encode("LAME3.100"), lame);
  info.set([delay >> 4, ((delay & 15) << 4) | (padding >> 8), padding & 255], lame + 21);
  parts.push(info);
  let at = 0;
  for (let n = 1; n <= frames; n++) {
    const padded = Math.floor(n * exact) - at - 1044 > 0 ? 1 : 0;
    parts.push(frame(padded));
    at += 1044 + padded;
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

test("every frame is found by its number, also from the middle of the file", () => {
  const bytes = copy(300);
  const head = readHead(bytes.subarray(0, 8192), bytes.length);
  assert.deepEqual([head.rate, head.kbit, head.samples, head.start, head.delay, head.frames], [44100, 320, 1152, 1044, 576 + 529, 300]);
  assert.equal(head.music, 300 * 1152 - (576 + 529) - (1000 - 529));
  let at = head.start;
  for (let n = 0; n < 300; n++) {
    assert.equal(findFrame(head, n, bytes, 0), at, `frame ${n}`);
    if (n > 150) assert.equal(findFrame(head, n, bytes.subarray(100000), 100000), at - 100000);
    at += frameAt(bytes, at).length;
  }
  assert.equal(findFrame(head, 300, bytes, 0), bytes.length);
  assert.equal(readHead(new Uint8Array(8192), 8192), null);
});

test("frames of other rates are as long as the standard says", () => {
  for (const [second, third, length, samples] of [[0xfb, 0xe4, 960, 1152], [0xfb, 0xe8, 1440, 1152], [0xf3, 0xe4, 480, 576], [0xf3, 0xe0, 522, 576]]) {
    const frame = frameAt(Uint8Array.from([255, second, third, 0]), 0);
    assert.deepEqual([frame.length, frame.samples], [length, samples]);
  }
  for (const none of [[255, 250, 224, 0], [255, 253, 224, 0], [255, 251, 236, 0], [255, 251, 240, 0], [0, 251, 224, 0]]) {
    const found = frameAt(Uint8Array.from(none), 0);
    assert.ok(found === null || none[1] === 250, `${none}`);
  }
});

test("matched, everything is as loud as the quietest; a service turns down, and up only as far as its peak allows", () => {
  const files = [{ key: "a", lufs: -14, peak: -1 }, { key: "b", lufs: -9.5, peak: -0.2 }, { key: "c", lufs: -Infinity, peak: -120 }];
  const of = (mode, platforms) => [...gainsOf(files, mode, platforms).values()];
  assert.deepEqual(of("matched"), [0, -4.5, 0]);
  assert.deepEqual(of("as-is"), [0, 0, 0]);
  const platforms = [{ name: "Up", target_lufs: -11, up_to_dbtp: 0 }, { name: "Down", target_lufs: -11 }, { name: "None" }];
  assert.deepEqual(of("Up", platforms), [1, -1.5, 0]);
  assert.deepEqual(of("Down", platforms), [0, -1.5, 0]);
  assert.deepEqual(of("None", platforms), [0, 0, 0]);
});

test("an overview of two channels is drawn as one", () => {
  const made = shaped({ channels: 2, min: [-32767, 0, -10, -20], max: [0, 32767, 10, 5], over_columns: [1], clipped_columns: [] }, { from: 0, to: 1 }, 2);
  assert.deepEqual([made.low[0], made.high[0], made.over.has(1)], [-1, 1, true]);
});

function shelf(kept) {
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key), key: (at) => [...kept.keys()][at] ?? null, get length() {
    return kept.size;
  } };
}

test("notes of two tabs of one person do not write over each other", async () => {
  const kept = new Map();
  const net = { call: async () => {
    throw new Refusal(14, "UNREACHABLE", "no line");
  } };
  const boxes = [1, 2].map(() => new Outbox(net, "me", { changed() {}, refused() {}, storage: shelf(kept) }));
  await boxes[0].add("p", "s", { text: "one" });
  await boxes[1].add("p", "s", { text: "two" });
  boxes[0].drop(boxes[0].items[0]);
  const later = new Outbox(net, "me", { changed() {}, refused() {}, storage: shelf(kept) });
  assert.deepEqual(later.of("s").map((item) => item.note.text), ["two"]);
  assert.deepEqual(new Outbox(net, "other", { changed() {}, refused() {}, storage: shelf(kept) }).items, []);
  for (const box of boxes) box.stop();
});

// A player whose sound is nobody's: files come when they are told to.
function silent() {
  const files = new Map();
  const heard = [];
  const player = new Player({}, { makeContext: () => null, tell() {}, heard() {} });
  player.deck = (source) => {
    if (!files.has(source.key)) {
      let come;
      const there = new Promise((done) => (come = done));
      files.set(source.key, { come, rate: 10, samples: 1000, lastPiece: 0, head: true, is: false, want() {}, begun: () => there, piece: () => there, pieceOf: () => 0, ready() {
        return this.is;
      } });
    }
    return files.get(source.key);
  };
  Object.assign(player, { context: { currentTime: 0, sampleRate: 10 }, playing: true, current: { key: "a" }, marks: [{ at: 0, place: 3 }] });
  player.count = () => {};
  player.handOver = (_, place) => heard.push([player.current.key, place]);
  const comes = (key) => {
    const file = player.deck({ key });
    file.is = true;
    file.come();
    return new Promise((done) => setTimeout(done, 5));
  };
  return { player, heard, comes };
}

test("what is shown is what plays, whatever is pressed while another file still comes", async () => {
  // Back to the first while the second comes: the second never takes over.
  const back = silent();
  back.player.choose({ key: "b" });
  back.player.choose({ key: "a" });
  await back.comes("b");
  assert.deepEqual([back.player.current.key, back.player.pendingSource, back.heard], ["a", null, []]);
  // Elsewhere in the song while it comes: it begins there.
  const there = silent();
  there.player.choose({ key: "b" });
  there.player.seek(50);
  await there.comes("b");
  assert.deepEqual([there.player.current.key, there.player.pendingSource, there.heard], ["b", null, [["b", 50]]]);
  // Stopped while it comes: it is what plays on.
  const stopped = silent();
  stopped.player.choose({ key: "b" });
  stopped.player.pause();
  await stopped.comes("b");
  assert.deepEqual([stopped.player.current.key, stopped.player.playing, stopped.heard], ["b", false, []]);
});

test("a note written without a line waits, is sent once with the same id, and a refused one comes back", async () => {
  const kept = new Map();
  const storage = shelf(kept);
  let line = false;
  const sent = [];
  const net = { call: async (_, asked) => {
    if (!line) throw new Refusal(14, "UNREACHABLE", "no line");
    if (asked.action.add_note.text === "bad") throw new Refusal(9, "TEXT_TOO_LONG", "too long");
    sent.push(asked.command_id);
  } };
  const refused = [];
  const box = new Outbox(net, "me", { changed() {}, refused: (item, error) => refused.push([item.note.text, error.reason]), storage });
  assert.equal((await box.add("p", "s", { text: "one" })).sent, false);
  await box.add("p", "s", { text: "bad" });
  const id = box.of("s")[0].command_id;
  assert.equal(new Outbox(net, "me", { changed() {}, refused() {}, storage }).of("s").length, 2, "they outlive the page");
  line = true;
  box.hurry();
  for (let turn = 0; box.items.length && turn < 200; turn++) await new Promise((done) => setTimeout(done, 5));
  assert.deepEqual([sent, refused, kept.size], [[id], [["bad", "TEXT_TOO_LONG"]], 0]);
});
