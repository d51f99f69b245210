// Ed25519 keys of WebCrypto in the words of OpenSSH: the line of a public key, its fingerprint, signatures in the format SSHSIG. As the terminal writes them, to the
// byte. Never here: where keys are kept, what a text must say.

import { joined } from './net.js';
import { sha256 } from './sha.js';

const ALGORITHM = "ssh-ed25519";
const MAGIC = "SSHSIG";
const BEGIN = "-----BEGIN SSH SIGNATURE-----";
const END = "-----END SSH SIGNATURE-----";
const ARMOUR_COLUMNS = 70;
const utf8 = new TextEncoder();

function text(value) {
  return typeof value === "string" ? utf8.encode(value) : value;
}

// Length and bytes, as SSH writes a string.
function ssh(value) {
  const bytes = text(value);
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, bytes.length);
  return joined(head, bytes);
}

function all(...parts) {
  return parts.map(text).reduce(joined, new Uint8Array(0));
}

export function base64(bytes) {
  let letters = "";
  for (let at = 0; at < bytes.length; at += 4096) letters += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(letters);
}

function unbase64(letters) {
  return Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
}

// What a public key of 32 bytes is called: `line` as in authorized_keys, `fingerprint` as the studio names it.
export function publicKey(raw) {
  const blob = all(ssh(ALGORITHM), ssh(raw));
  return { raw, blob, line: `${ALGORITHM} ${base64(blob)}`, fingerprint: sha256(blob) };
}

async function signedData(namespace, message) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-512", utf8.encode(message)));
  return all(MAGIC, ssh(namespace), ssh(""), ssh("sha512"), ssh(digest));
}

// An armored signature over the text. `pair`: { privateKey, raw }.
export async function sign(pair, namespace, message) {
  const raw = new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, await signedData(namespace, message)));
  const { blob } = publicKey(pair.raw);
  const whole = all(MAGIC, new Uint8Array([0, 0, 0, 1]), ssh(blob), ssh(namespace), ssh(""), ssh("sha512"), ssh(all(ssh(ALGORITHM), ssh(raw))));
  const lines = base64(whole).match(new RegExp(`.{1,${ARMOUR_COLUMNS}}`, "g"));
  return `${BEGIN}\n${lines.join("\n")}\n${END}\n`;
}

// The public key whose signature over the text this is, or null.
export async function verify(namespace, message, armored) {
  try {
    const lines = armored.trim().split("\n");
    if (lines.shift() !== BEGIN || lines.pop() !== END) return null;
    const bytes = unbase64(lines.join(""));
    let at = MAGIC.length + 4;
    const part = (from = bytes) => {
      const length = new DataView(from.buffer, from.byteOffset + at, 4).getUint32(0);
      if (length > from.length - at - 4) throw new Error("cut off");
      at += 4 + length;
      return from.subarray(at - length, at);
    };
    const same = (found, wanted) => new TextDecoder().decode(found) === wanted;
    if (!same(bytes.subarray(0, 10), `${MAGIC}\0\0\0\x01`)) return null;
    const blob = part();
    if (!same(part(), namespace) || part().length !== 0 || !same(part(), "sha512")) return null;
    const signature = part();
    if (at !== bytes.length) return null;
    const raw = blob.slice(-32);
    const known = publicKey(raw);
    if (base64(known.blob) !== base64(blob)) return null;
    if (base64(signature.subarray(0, -64)) !== base64(all(ssh(ALGORITHM), new Uint8Array([0, 0, 0, 64])))) return null;
    const key = await crypto.subtle.importKey("raw", raw, "Ed25519", true, ["verify"]);
    const holds = await crypto.subtle.verify("Ed25519", key, signature.slice(-64), await signedData(namespace, message));
    return holds ? known : null;
  } catch {
    return null;
  }
}

// A new pair. The private half cannot be read out, by this page or by anybody.
export async function makePair() {
  const made = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  return { privateKey: made.privateKey, raw: new Uint8Array(await crypto.subtle.exportKey("raw", made.publicKey)) };
}
