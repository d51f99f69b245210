// Who is here: signing in with a code or again with this browser's key, links of guests, and approving with a key that never leaves the browser. The same texts and
// the same signatures as the terminal's. Never here: elements; a passphrase is handed on and never kept.

import { Refusal, newId, sleep } from './net.js';
import { forgetWords, keep, tab } from './keep.js';
import { sha256 } from './sha.js';
import { makePair, publicKey, sign } from './ssh.js';
import { fetchFile } from './fetch.js';
import { followRecord } from './record.js';
import { ZEROS, ownFingerprint, recordObject, statementText, versionObject } from './statement.js';
import { deviceName } from './words.js';

export const API = 1;
const DEVICE = "device@deadwax";
const KEY = "key@deadwax";
const STATEMENT = "statement@deadwax";

// The code or the secret out of what was pasted: a whole link, or it alone.
export function codeIn(text) {
  return /(dwx_invite_[0-9A-Za-z]+|dwx_link_[0-9A-Za-z]+)/.exec(text)?.[1] ?? /^[0-9a-f]{40}$/.exec(text.trim())?.[0] ?? "";
}

export function noKeys() {
  return new Refusal(9, "NO_WEBCRYPTO", "This browser cannot make the keys that signing in and approving need.", "Use a current Chrome, Edge, Firefox or Safari, over https.");
}

async function canSign() {
  try {
    await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    return true;
  } catch {
    return false;
  }
}

// The first time in this browser: a code, and the passphrase where there is one or one has to be chosen.
export async function login(net, code, passphrase) {
  if (!(await canSign())) throw noKeys();
  // Kept before the code is spent: a try whose answer was lost begins with the same key, and a browser that keeps nothing is known before anything is used up.
  const place = `device.new/${sha256(code)}`;
  let pair = await keep.get(place).catch(() => null);
  if (!pair) {
    pair = await makePair();
    await keep.put(place, pair).catch(() => {
      throw new Refusal(9, "NOT_KEPT", "This browser keeps nothing for this page, so it could not be known again. The link was not used up.", "Leave the private window, or allow the page to store data, then open the link again.");
    });
  }
  const shown = await sign(pair, DEVICE, `deadwax code ${sha256(code)}\n`);
  const answer = await net.call("Sessions.Login", {
    code, device: deviceName(), api: API, passphrase, device_key: publicKey(pair.raw).line, device_signature: shown,
  });
  await keep.put("device", { pair, person: answer.person.person_id, name: answer.person.name }).catch(() => {});
  await keep.drop(place).catch(() => {});
  return begin(net, { token: answer.token, person: answer.person, guest: null });
}

// Whose browser this is, where somebody signed in here before.
export async function known() {
  try {
    return (await keep.get("device")) ?? null;
  } catch {
    return null;
  }
}

export async function signInAgain(net, passphrase) {
  const device = await known();
  if (!device) throw new Refusal(16, "SIGN_IN_REFUSED", "This browser is not known to the studio.", "Open an invite link, or ask for one.");
  const { challenge } = await net.call("Sessions.Challenge", {});
  const shown = await sign(device.pair, DEVICE, `deadwax challenge ${challenge}\n`);
  const answer = await net.call("Sessions.SignIn", {
    challenge, device_key: publicKey(device.pair.raw).line, device_signature: shown, passphrase, api: API,
  });
  return begin(net, { token: answer.token, person: answer.person, guest: null });
}

// A guest: the secret of a share link, and its password where it has one.
export async function openLink(net, secret, password) {
  const answer = await net.call("Links.Open", { secret, password, device: deviceName(), api: API });
  const guest = { project_id: answer.project_id, scope: answer.scope, download: answer.download, notes: answer.notes, studio: answer.studio, until_ms: answer.expires_ms };
  const session = { token: answer.token, person: answer.guest, guest };
  // One with a password asks for it each time.
  if (!password) await seal(secret, session).catch(() => {});
  return begin(net, session);
}

// What the secret of a link locks: nobody opens it who has the browser and not the link.
async function lockOf(secret) {
  const raw = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`deadwax guest ${secret}`)));
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}
const placeOf = (secret) => `guest/${sha256(secret)}`;

async function seal(secret, session) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const box = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await lockOf(secret), new TextEncoder().encode(JSON.stringify(session)));
  await keep.put(placeOf(secret), { iv, box });
}

// A link that this browser opened before goes on in its session, so that a second click on it is no second opening. Null: there is none.
export async function linkAgain(net, secret) {
  try {
    const { iv, box } = await keep.get(placeOf(secret));
    const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, await lockOf(secret), box);
    const session = JSON.parse(new TextDecoder().decode(opened));
    net.token = session.token;
    await net.call("Sessions.WhoAmI", {});
    return begin(net, session);
  } catch (error) {
    net.token = "";
    // The line is cut: the session is not given up for that.
    if (error instanceof Refusal && error.passing) throw error;
    return null;
  }
}

function begin(net, session) {
  net.token = session.token;
  tab.write(session);
  return session;
}

// The session of this tab, if it still holds.
export async function resume(net) {
  const session = tab.read();
  if (!session?.token) return null;
  net.token = session.token;
  const person = await net.call("Sessions.WhoAmI", {});
  return { ...session, person };
}

export async function leave(net, forget) {
  try {
    await net.call("Sessions.Logout", {});
  } finally {
    // Also where the studio cannot be reached: whoever signs out leaves nothing here.
    net.token = "";
    tab.write(null);
    forgetWords();
    if (forget) await keep.drop("device").catch(() => {});
  }
}

// The key that approvals of this person are signed with in this browser; made at first need.
export async function signingKey(person) {
  const place = `signing/${person}`;
  const kept = await keep.get(place);
  if (kept) return kept;
  if (!(await canSign())) throw noKeys();
  const pair = await makePair();
  await keep.put(place, pair);
  return pair;
}

function changed(name) {
  return new Refusal(9, "FINGERPRINT_DIFFERS", `${name} is not what you saw any more. Nothing was signed.`, "Look at what stands there now, then decide.");
}

// An approval that is signed: every file fetched and hashed here, the studio's record held against what this browser saw of it, the key enrolled where it is new, the
// statement written and signed. `wish`: { projectId, versionId | recordId, fingerprint, role, person }. `tell`: how far it is.
export async function approve(net, wish, tell, signal) {
  const approvalId = wish.approvalId;
  const pair = await signingKey(wish.person);
  const { object, me, words } = await look(net, wish, signal);
  // What was read is what is signed, to the letter: names can change while files do not.
  if (words !== wish.shown) throw changed(object.name);
  await mustBeVouched(me, pair);
  await fetchAll(net, wish, object, tell, signal);
  if (ownFingerprint(object) !== object.fingerprint) {
    throw new Refusal(9, "FINGERPRINT_DIFFERS", `${object.name} has another fingerprint than its files have. Nothing was signed.`, "Tell the studio: what it lists does not fit together.");
  }
  tell({ step: "record" });
  await followRecord(net, wish.projectId);
  await enrolled(net, wish, pair, tell, signal);
  for (let again = true; ; again = false) {
    tell({ step: "signing" });
    const now = await look(net, wish, signal);
    if (now.words !== words || JSON.stringify(now.object) !== JSON.stringify(object)) throw changed(object.name);
    const head = now.project.receipts ?? { sequence: 0, statement_sha256: ZEROS };
    const statement = statementText({
      projectId: wish.projectId, projectTitle: now.project.title, object, role: wish.role, signer: wish.person, key: publicKey(pair.raw).fingerprint, approvalId,
      previous: head.sequence === 0 ? ZEROS : head.statement_sha256, sequence: head.sequence + 1, atMs: Date.now(),
    });
    const receipt = { statement, signature: await sign(pair, STATEMENT, statement) };
    const action = actionOf(wish, approvalId, receipt);
    try {
      const answer = await perform(net, { command_id: newId(), project_id: wish.projectId, action });
      await mustBeListed(net, wish, head, statement);
      return { ...answer, sequence: head.sequence + 1, statement };
    } catch (error) {
      // Another statement may come in between once; twice in a row is no chance.
      if (!(error instanceof Refusal && error.reason === "STATEMENT_STALE" && again)) throw error;
    }
  }
}

// With the same command id: what arrived before the line was cut is not done twice, and its answer comes all the same.
async function perform(net, asked) {
  for (let tries = 0; ; tries++) {
    try {
      return await net.call("Projects.Perform", asked);
    } catch (error) {
      if (!(error instanceof Refusal && error.passing)) throw error;
      if (tries >= 2) throw new Refusal(error.code, error.reason, "It is not known whether your signature arrived: the line was cut.", "Look at the signatures when the line is back, before you sign again.");
      await sleep(400 * (tries + 1));
    }
  }
}

export function actionOf(wish, approvalId, receipt) {
  const { role, fingerprint } = wish;
  if (wish.recordId) return { approve_record: { approval_id: approvalId, record_id: wish.recordId, role, fingerprint, receipt } };
  return { approve: { approval_id: approvalId, version_id: wish.versionId, role, fingerprint, receipt } };
}

// What is to be approved, as the studio shows it now.
async function look(net, wish, signal) {
  const update = await net.call("Projects.Get", { project_id: wish.projectId }, signal);
  const rows = new Map(update.upserts.map((row) => [row.key, row]));
  const project = rows.get("project")?.project;
  if (!project || project.project_id !== wish.projectId) throw new Refusal(13, "ODD", "Another project came than was asked for. Nothing was signed.");
  const me = rows.get(`member/${wish.person}`)?.member ?? null;
  if (wish.recordId) {
    const { record } = await net.call("Records.GetRecord", { project_id: wish.projectId, record_id: wish.recordId }, signal);
    if (record.fingerprint !== wish.fingerprint) throw changed(`Record ${record.number}`);
    return { project, me, object: recordObject(record), words: wordsOfRecord(project, record) };
  }
  const version = rows.get(`version/${wish.versionId}`)?.version;
  const song = version && rows.get(`song/${version.song_id}`)?.song;
  if (!version || !song || version.fingerprint !== wish.fingerprint) throw changed(version?.name ?? "The version");
  const closed = version.files.find((file) => !file.may_fetch);
  if (closed) {
    throw new Refusal(7, "ORIGINALS_CLOSED", `You may hear ${version.name} but not fetch it, so you cannot sign its bytes.`, "Ask a manager for another role, or approve without a receipt.");
  }
  return { project, me, object: versionObject(version, song), words: wordsOfVersion(project, song, version) };
}

// What stands in the question before somebody says yes, as the rows have it.
export function wordsOfVersion(project, song, version) {
  return JSON.stringify([project.title, song.title, song.song_id, version.name, version.kind, version.number, version.fingerprint]);
}
export function wordsOfRecord(project, record) {
  return JSON.stringify([project.title, record.number, record.fingerprint]);
}

// The step before a yes: every byte of it comes here; what is listed and what came are one thing afterwards.
async function fetchAll(net, wish, object, tell, signal) {
  if (object.files.length === 0) throw new Refusal(5, "NO_SUCH_FILE", `${object.name} lists no file.`, "Tell the studio.");
  const total = object.files.reduce((sum, file) => sum + file.bytes, 0);
  let before = 0;
  for (const file of object.files) {
    const told = (done) => tell({ step: "fetching", name: file.name, done: before + done, total });
    await fetchFile(net, wish, file, { told, signal, undone: "Nothing was signed." });
    before += file.bytes;
  }
}

async function enrolled(net, wish, pair, tell, signal) {
  const { me } = await look(net, wish, signal);
  const key = publicKey(pair.raw);
  const found = me?.keys.find((one) => one.fingerprint === key.fingerprint);
  if (found && found.revoked_ms === 0) return;
  if (found) {
    await keep.drop(`signing/${wish.person}`);
    throw new Refusal(9, "KEY_REVOKED", `The key of this browser was revoked by ${found.revoked_by}: it signs nothing any more.`, "Approve once more: a new key is made for it.");
  }
  await mustBeVouched(me, pair);
  tell({ step: "enrolling" });
  const enrol_key = { public_key: key.line, proof: await sign(pair, KEY, key.line), vouch: "" };
  await net.call("Projects.Perform", { command_id: newId(), project_id: wish.projectId, action: { enrol_key } }, signal);
}

// Who has a key in this project already lets it sign for this browser's, by a word that is copied to where that key is: the page itself never has it.
async function mustBeVouched(me, pair) {
  const key = publicKey(pair.raw);
  const holding = (me?.keys ?? []).filter((one) => one.revoked_ms === 0).map((one) => one.fingerprint);
  if (holding.length === 0 || me.keys.some((one) => one.fingerprint === key.fingerprint)) return;
  const code = (await sign(pair, KEY, key.line)).split("\n").filter((line) => line && !line.startsWith("-")).join("");
  throw new Refusal(9, "KEY_NOT_VOUCHED", `You sign with another key in this project already (${holding.map((one) => one.slice(0, 12)).join(", ")}). It has to vouch for this browser, once.`, "", { code, key: key.fingerprint });
}

// The statement stands in the record in its place, behind the one that it names.
async function mustBeListed(net, wish, head, statement) {
  const statements = await followRecord(net, wish.projectId);
  const at = head.sequence;
  const before = at === 0 ? ZEROS : statements[at - 1];
  if (statements[at] === sha256(statement) && before === (at === 0 ? ZEROS : head.statement_sha256)) return;
  throw new Refusal(15, "RECEIPT_MISSING", "You signed, and the studio took it, but its record does not hold your statement in its place.",
    "Tell the others in the project and keep this message: the studio's record does not say what you did.");
}
