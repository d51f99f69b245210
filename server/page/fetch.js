// Originals, byte by byte, from where a cut left them, and held against the digest that the studio lists: for whoever signs them, and for whoever may have them as a file. Never
// here: who may; copies for listening.

import { Refusal, sleep } from './net.js';
import { Sha256 } from './sha.js';

const CUTS_MAX = 5;
// So much is given to the browser at a time: it may put it on the disk, a page may not.
const PART_BYTES = 8 << 20;

// `of`: { projectId, versionId | recordId }. `take` is given the bytes in their order; `told` how many there are; `undone` says what did not happen where it fails.
export async function fetchFile(net, of, file, { told = () => {}, take = () => {}, signal = undefined, undone = "" }) {
  const sum = new Sha256();
  let cuts = 0;
  while (sum.length < file.bytes) {
    const from = of.recordId ? { record_id: of.recordId } : { version_id: of.versionId };
    const asked = { project_id: of.projectId, ...from, sha256: file.sha256, offset: sum.length, limit: 0 };
    try {
      for await (const piece of net.stream(of.recordId ? "Records.Fetch" : "Media.Download", asked, signal)) {
        sum.push(piece.data);
        take(piece.data);
        told(sum.length);
        cuts = piece.data.length > 0 ? 0 : cuts;
      }
      if (sum.length < file.bytes) cuts += 1;
    } catch (error) {
      if (!(error instanceof Refusal && error.passing)) throw error;
      cuts += 1;
    }
    if (cuts > CUTS_MAX) throw new Refusal(14, "UNREACHABLE", `${file.name} could not be fetched to its end. ${undone}`.trim(), "Try again when the line is better.");
    if (cuts > 0) await sleep(500 * cuts, signal);
  }
  if (sum.length !== file.bytes || sum.hex() !== file.sha256) {
    throw new Refusal(15, "STORED_BYTES_DAMAGED", `What came for ${file.name} is not what the studio lists. ${undone}`.trim(), "Try again; if it stays so, tell the studio.");
  }
}

// The same, as a file of the browser's.
export async function fetchBlob(net, of, file, { told, signal }) {
  const parts = [];
  let [held, bytes] = [[], 0];
  const take = (data) => {
    held.push(data.slice());
    bytes += data.length;
    if (bytes < PART_BYTES) return;
    parts.push(new Blob(held));
    [held, bytes] = [[], 0];
  };
  await fetchFile(net, of, file, { told, take, signal, undone: "Nothing was kept." });
  return new Blob([...parts, ...held], { type: "application/octet-stream" });
}
