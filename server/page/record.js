// What this browser remembers of a project's record: the list of its entries as it was shown here last, with the studio's signature. A later list must begin with it;
// else somebody changed what had happened, and nothing is signed. Never here: what the entries mean.

import { Refusal } from './net.js';
import { keep } from './keep.js';
import { sha256 } from './sha.js';
import { verify } from './ssh.js';
import { ZEROS } from './statement.js';

const LIST_BYTES_MAX = 64 << 20;
const DIGEST = /^[0-9a-f]{64}$/;
const NAMES = ["studio", "project", "entries", "chain-sha256", "receipts", "last-statement", "time"];

function rewritten(what) {
  return new Refusal(9, "RECORD_REWRITTEN", `The studio's record was rewritten: ${what}. Nothing was signed.`, "Do not sign. Tell the others in the project; this browser still has what the record was.");
}

function odd(what) {
  return new Refusal(9, "CHAIN_INVALID", `The studio's list of its record is not sound: ${what}. Nothing was signed.`, "Tell the studio; sign when it is mended.");
}

export function readCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.pop() !== "" || lines.shift() !== "deadwax-checkpoint/1" || lines.length !== NAMES.length) return null;
  const found = {};
  for (const [at, name] of NAMES.entries()) {
    if (!lines[at].startsWith(`${name}: `)) return null;
    found[name] = lines[at].slice(name.length + 2);
  }
  const whole = /^(0|[1-9][0-9]*)$/;
  const sound = whole.test(found.entries) && whole.test(found.receipts) && DIGEST.test(found["chain-sha256"]) && DIGEST.test(found["last-statement"]);
  return sound ? { ...found, entries: Number(found.entries), receipts: Number(found.receipts) } : null;
}

// The digests of the statements, in their order; null where the list is not of the form.
export function readChain(text) {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.pop() !== "") return null;
  const statements = [];
  let before = 0;
  for (const line of lines) {
    const [seq, payload, statement, more] = line.split(" ");
    if (!/^[1-9][0-9]*$/.test(seq) || Number(seq) <= before || !DIGEST.test(payload ?? "") || more !== undefined) return null;
    if (statement !== undefined && !DIGEST.test(statement)) return null;
    if (statement !== undefined) statements.push(statement);
    before = Number(seq);
  }
  return statements;
}

// Asks for the list from where this browser knows it, holds it against that, and keeps it. Answers the digests of the statements.
export async function followRecord(net, projectId) {
  const place = `chain/${projectId}`;
  const kept = (await keep.get(place)) ?? null;
  const old = kept?.lines ?? "";
  const known = old === "" ? 0 : old.split("\n").length - 1;
  let [told, more] = [null, ""];
  for await (const piece of net.stream("Records.GetChain", { project_id: projectId, from_line: known })) {
    told ??= piece.checkpoint;
    more += piece.lines;
    if (more.length > LIST_BYTES_MAX) throw odd("it is too long");
  }
  if (!told) throw odd("it came without its signature");
  const lines = old + more;
  const signer = await verify("checkpoint@deadwax", told.text, told.signature);
  if (!signer || signer.line !== told.public_key.trim().split(" ").slice(0, 2).join(" ")) throw odd("its signature does not belong to it");
  const checkpoint = readCheckpoint(told.text);
  if (!checkpoint || checkpoint.project !== projectId) throw odd("it is not of this project");
  if (kept && kept.key !== signer.line) throw rewritten("another key signs for the studio than before");
  if (checkpoint.entries < known) throw rewritten(`it had ${known} entries here and has ${checkpoint.entries} now`);
  if (sha256(lines) !== checkpoint["chain-sha256"]) throw kept ? rewritten("it does not begin with what this browser was shown before") : odd("its digest is another");
  const statements = readChain(lines);
  const count = lines === "" ? 0 : lines.split("\n").length - 1;
  const fits = statements && count === checkpoint.entries && statements.length === checkpoint.receipts && (statements.at(-1) ?? ZEROS) === checkpoint["last-statement"];
  if (!fits) throw odd("it counts otherwise than it is signed");
  await keep.put(place, { key: signer.line, lines });
  return statements;
}
