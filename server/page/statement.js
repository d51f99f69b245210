// The text that a person signs, as docs/RECEIPTS.md gives it: line by line what stands before them and what this browser hashed itself. The terminal writes the same.
// Never here: signing, fetching.

import { sha256 } from './sha.js';

export const ZEROS = "0".repeat(64);
const STAGES = { TAKE: "recording", MIX: "mixing", MASTER: "mastering" };

// "MIX_ENGINEER" as statements and the command line have it.
export function roleWord(role) {
  return role.toLowerCase().replaceAll("_", "-");
}

// Bytes decide, not letters of a language: as sorted in Rust, by UTF-8.
export function byBytes(a, b) {
  const [x, y] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  for (let at = 0; at < Math.min(x.length, y.length); at++) if (x[at] !== y[at]) return x[at] - y[at];
  return x.length - y.length;
}

export function versionObject(version, song) {
  const files = version.files.map((file) => ({ sha256: file.sha256, bytes: file.facts?.bytes ?? 0, name: file.alternate }));
  return {
    kind: "version", id: version.version_id, name: version.name, song: song.song_id, songTitle: song.title, stage: STAGES[version.kind] ?? "mixing",
    fingerprint: version.fingerprint, files,
  };
}

export function recordObject(record) {
  const files = record.files.map((file) => ({ sha256: file.sha256, bytes: file.bytes, name: file.folder ? `${file.folder}/${file.name}` : file.name }));
  return { kind: "record", id: record.record_id, name: `Record ${record.number}`, fingerprint: record.fingerprint, files };
}

// What the fingerprint must be, from the files themselves.
export function ownFingerprint(object) {
  if (object.kind === "version") {
    const lines = object.files.map((file) => `${file.name} ${file.sha256}\n`).sort(byBytes);
    return sha256(`deadwax-fingerprint-1\n${lines.join("")}`);
  }
  return sha256(object.files.map((file) => `${file.name.includes("/") ? "" : "/"}${file.name} ${file.sha256}\n`).sort(byBytes).join(""));
}

export function statementText(of) {
  const { object } = of;
  const lines = ["deadwax-statement/1"];
  // A title cannot hold a line end; should one ever come, it must not become a line of its own.
  const put = (name, value) => lines.push(`${name}: ${String(value).replace(/[\n\r]/g, " ")}`);
  put("project", of.projectId);
  put("project-title", of.projectTitle);
  put("decision", "approve");
  put("object", object.kind);
  put("object-id", object.id);
  put("name", object.name);
  if (object.kind === "version") {
    put("song", object.song);
    put("song-title", object.songTitle);
    put("stage", object.stage);
  }
  put("role", roleWord(of.role));
  put("signer", of.signer);
  put("key", of.key);
  put("approval", of.approvalId);
  put("fingerprint", object.fingerprint);
  const files = [...object.files].sort((a, b) => byBytes(a.name, b.name) || byBytes(a.sha256, b.sha256));
  for (const file of files) lines.push(`file: ${file.sha256} ${file.bytes} ${file.name}`);
  put("previous", of.previous);
  put("sequence", of.sequence);
  put("time", new Date(Math.floor(of.atMs / 1000) * 1000).toISOString().replace(".000Z", "Z"));
  return `${lines.join("\n")}\n`;
}
