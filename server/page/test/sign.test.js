// Signatures of the page against OpenSSH itself, and the texts against those that docs/RECEIPTS.md gives.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePair, publicKey, sign, verify } from '../ssh.js';
import { byBytes, ownFingerprint, roleWord, statementText, versionObject, ZEROS } from '../statement.js';
import { readChain, readCheckpoint } from '../record.js';
import { sha256 } from '../sha.js';

const openssh = spawnSync("ssh-keygen", ["-?"]).error === undefined;

test("ssh-keygen accepts what the page signed, and the page what ssh-keygen signed", { skip: !openssh && "no ssh-keygen" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "dwx-page-"));
  const pair = await makePair();
  const key = publicKey(pair.raw);
  const text = "deadwax-statement/1\nproject-title: Ünter\n";
  const armored = await sign(pair, "statement@deadwax", text);
  writeFileSync(join(folder, "signers"), `lena namespaces="statement@deadwax" ${key.line}\n`);
  writeFileSync(join(folder, "text.sig"), armored);
  const asked = ["-Y", "verify", "-f", join(folder, "signers"), "-n", "statement@deadwax", "-I", "lena", "-s", join(folder, "text.sig")];
  assert.match(execFileSync("ssh-keygen", asked, { input: text }).toString(), /Good "statement@deadwax" signature for lena/);
  assert.notEqual(spawnSync("ssh-keygen", asked, { input: text + " " }).status, 0);

  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "x", "-f", join(folder, "other")]);
  writeFileSync(join(folder, "said"), text);
  execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-f", join(folder, "other"), "-n", "checkpoint@deadwax", join(folder, "said")]);
  const theirs = readFileSync(join(folder, "said.sig"), "utf8");
  const line = readFileSync(join(folder, "other.pub"), "utf8").trim().split(" ").slice(0, 2).join(" ");
  assert.equal((await verify("checkpoint@deadwax", text, theirs))?.line, line);
  assert.equal(await verify("statement@deadwax", text, theirs), null);
  assert.equal(await verify("checkpoint@deadwax", text + "x", theirs), null);
  // Armour of the same shape, to the column.
  assert.deepEqual(armored.split("\n").map((it) => it.length).slice(1, 4), theirs.split("\n").map((it) => it.length).slice(1, 4));
});

test("a signature that was touched is none", async () => {
  const pair = await makePair();
  const armored = await sign(pair, "device@deadwax", "deadwax challenge 00ff\n");
  assert.equal((await verify("device@deadwax", "deadwax challenge 00ff\n", armored)).fingerprint, publicKey(pair.raw).fingerprint);
  for (const at of [40, 120, 200, 260]) {
    const other = armored[at] === "A" ? "B" : "A";
    assert.equal(await verify("device@deadwax", "deadwax challenge 00ff\n", armored.slice(0, at) + other + armored.slice(at + 1)), null, `letter ${at}`);
  }
  for (const none of ["", "x", armored.slice(0, 80), armored.replace("BEGIN", "BEGIM")]) assert.equal(await verify("device@deadwax", "", none), null);
});

test("a statement stands as the forms say, line by line", () => {
  const [a, b] = ["a".repeat(64), "b".repeat(64)];
  const version = { version_id: "v", name: "Mix 2", kind: "MIX", fingerprint: "f", files: [
    { alternate: "vocal-up+0.5", sha256: b, facts: { bytes: 7 } }, { alternate: "main", sha256: a, facts: { bytes: 12 } }, { alternate: "main", sha256: b, facts: { bytes: 9 } }] };
  const object = versionObject(version, { song_id: "s", title: "Night\nDrive" });
  const text = statementText({ projectId: "p", projectTitle: "EP", object, role: "MIX_ENGINEER", signer: "me", key: "k", approvalId: "ap", previous: ZEROS, sequence: 1, atMs: 1795291200999 });
  assert.equal(text, `deadwax-statement/1
project: p
project-title: EP
decision: approve
object: version
object-id: v
name: Mix 2
song: s
song-title: Night Drive
stage: mixing
role: mix-engineer
signer: me
key: k
approval: ap
fingerprint: f
file: ${a} 12 main
file: ${b} 9 main
file: ${b} 7 vocal-up+0.5
previous: ${ZEROS}
sequence: 1
time: 2026-11-21T20:00:00Z
`);
  assert.equal(ownFingerprint(object), sha256(`deadwax-fingerprint-1\nmain ${a}\nmain ${b}\nvocal-up+0.5 ${b}\n`));
  assert.equal(roleWord("MASTERING_ENGINEER"), "mastering-engineer");
  assert.deepEqual(["é", "z", "a", "\u{1F3B5}", "\uFFFD"].sort(byBytes), ["a", "z", "é", "\uFFFD", "\u{1F3B5}"]);
});

test("lists and checkpoints are read strictly", () => {
  const d = "c".repeat(64);
  assert.deepEqual(readChain(`1 ${d}\n2 ${d} ${d}\n`), [d]);
  for (const text of [`1 ${d}`, `2 ${d}\n1 ${d}\n`, `01 ${d}\n`, `1 ${d} x\n`, `1 ${d} ${d} ${d}\n`, "\n"]) assert.equal(readChain(text), null, text);
  const sound = `deadwax-checkpoint/1\nstudio: Gold Room\nproject: p\nentries: 2\nchain-sha256: ${d}\nreceipts: 1\nlast-statement: ${d}\ntime: 2026-11-21T20:15:00Z\n`;
  assert.equal(readCheckpoint(sound).entries, 2);
  for (const text of [sound.slice(1), sound.trim(), sound.replace("entries: 2", "entries: 02"), `${sound}x: y\n`]) assert.equal(readCheckpoint(text), null);
});
