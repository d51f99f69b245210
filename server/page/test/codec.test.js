// The page's own protobuf against bytes that were written by hand from the encoding's description.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { codecOf } from '../codec.js';
import { Net, Refusal, frames, newId, refusalOf } from '../net.js';
import { Sha256, sha256 } from '../sha.js';

const schema = {
  messages: {
    One: [[1, "name", "s", 0], [2, "at", "i", 0], [3, "yes", "b", 0], [4, "many", "i", 1], [5, "inner", "m", 0, "Two"], [6, "maybe", "i", 2],
      [7, "kind", "e", 0, "Kind"], [8, "level", "d", 0], [9, "low", "z", 1], [10, "kinds", "e", 1, "Kind"], [20, "rows", "m", 1, "Two"]],
    Two: [[1, "raw", "y", 0], [2, "small", "f", 0]],
  },
  enums: { Kind: ["UNSPECIFIED", "MIX", "MASTER"] },
};
const codec = codecOf(schema);

test("what is written is what the encoding says", () => {
  assert.deepEqual([...codec.encode("One", { name: "hé", at: 300, kind: "MIX", maybe: 0 })], [10, 3, 104, 195, 169, 16, 172, 2, 48, 0, 56, 1]);
  assert.deepEqual([...codec.encode("One", { many: [1, 150], low: [-1, 1] })], [34, 3, 1, 150, 1, 74, 2, 1, 2]);
  assert.throws(() => codec.encode("One", { nmae: "x" }), /has no nmae/);
  assert.throws(() => codec.encode("One", { kind: "TAKE" }), /has no TAKE/);
});

test("what is read is what was written, and what is absent is as the contract has it", () => {
  const value = {
    name: "x".repeat(300), at: -5, yes: true, many: [0, 2 ** 52, 7], inner: { raw: new Uint8Array([0, 255]), small: 0.5 }, maybe: 0, kind: "MASTER", level: -14.25,
    low: [-32768, 32767, 0], kinds: ["MIX", "MASTER"], rows: [{ raw: new Uint8Array(0), small: 0 }, { raw: new Uint8Array(1), small: 1 }],
  };
  assert.deepEqual(codec.decode("One", codec.encode("One", value)), value);
  const empty = codec.decode("One", new Uint8Array(0));
  assert.deepEqual(empty, { name: "", at: 0, yes: false, many: [], inner: null, maybe: null, kind: "UNSPECIFIED", level: 0, low: [], kinds: [], rows: [] });
});

test("fields and words of a newer server are left alone, broken bytes are no message", () => {
  assert.equal(codec.decode("One", new Uint8Array([248, 1, 5, 250, 1, 2, 1, 2, 10, 1, 65])).name, "A");
  assert.equal(codec.decode("One", new Uint8Array([56, 9])).kind, 9);
  for (const bytes of [[10, 5, 65], [10], [8, 255], [11]]) assert.throws(() => codec.decode("One", new Uint8Array(bytes)), Error, `${bytes}`);
});

test("SHA-256 in pieces is that of the system", () => {
  for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 100003]) {
    const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 31) % 251);
    const sum = new Sha256();
    for (let at = 0; at < size; at += 37) sum.push(bytes.subarray(at, at + 37));
    assert.equal(sum.hex(), createHash("sha256").update(bytes).digest("hex"), `${size} bytes`);
  }
  assert.equal(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("frames are found however the line cuts them", async () => {
  const body = Uint8Array.from([0, 0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 0, 128, 0, 0, 0, 3, 97, 58, 98]);
  for (const cut of [1, 2, 3, 7, 20]) {
    const pieces = [];
    for (let at = 0; at < body.length; at += cut) pieces.push(body.slice(at, at + cut));
    const reader = { read: async () => (pieces.length ? { value: pieces.shift(), done: false } : { done: true }) };
    const found = [];
    for await (const frame of frames(reader, new AbortController())) found.push([frame.trailer, ...frame.bytes]);
    assert.deepEqual(found, [[false, 7, 8], [false], [true, 97, 58, 98]]);
  }
  const torn = { read: (() => { let first = true; return async () => (first ? ((first = false), { value: body.slice(0, 3) }) : { done: true }); })() };
  await assert.rejects(async () => { for await (const _ of frames(torn, new AbortController())); }, Refusal);
});

test("a refusal carries its reason, its sentence and the next step", () => {
  // google.rpc.Status with one ErrorInfo, as a server writes it.
  const rpc = codecOf({ messages: {
    Status: [[1, "code", "i", 0], [2, "message", "s", 0], [3, "details", "m", 1, "Any"]],
    Any: [[1, "type_url", "s", 0], [2, "value", "y", 0]],
    Info: [[1, "reason", "s", 0], [2, "domain", "s", 0], [3, "metadata", "m", 1, "Pair"]],
    Pair: [[1, "key", "s", 0], [2, "value", "s", 0]],
  }, enums: {} });
  const info = rpc.encode("Info", { reason: "NOT_HEARD", domain: "deadwax", metadata: [{ key: "hint", value: "Listen first." }, { key: "offset", value: "7" }] });
  const status = rpc.encode("Status", { code: 9, message: "no", details: [{ type_url: "type.googleapis.com/google.rpc.ErrorInfo", value: info }] });
  const no = refusalOf(9, "You%20have%20not%20heard%20it%20%E2%80%93%20all.", Buffer.from(status).toString("base64"));
  assert.deepEqual([no.code, no.reason, no.text, no.hint, no.more.offset], [9, "NOT_HEARD", "You have not heard it – all.", "Listen first.", "7"]);
  assert.equal(refusalOf(13, "100% wrong", "not base64!").text, "100% wrong");
});

test("ids are UUIDs of version 7", () => {
  assert.match(newId(), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(newId(1000) < newId(2000));
  assert.equal(parseInt(newId(1795305600000).replace("-", "").slice(0, 12), 16), 1795305600000);
});

test("a call that the contract does not have is told as such", async () => {
  const net = new Net({ messages: {}, enums: {}, services: {} });
  await assert.rejects(() => net.call("Links.Open", {}), (error) => error.reason === "UNIMPLEMENTED");
});
