// The gate in words, and what somebody decides: approve, ask for a revision, hold. What is signed is quoted before it is signed: title, version, length, loudness, fingerprint,
// as the terminal does. Never here: whether it may be; a yes that is the default of a key.

import { dialog, h, icon, keyed, problem, put, text } from './dom.js';
import { drafts } from './keep.js';
import { newId } from './net.js';
import { may } from './rows.js';
import { actionOf, approve, wordsOfRecord, wordsOfVersion } from './signer.js';
import { clock, count, day, figure, fingerprint, format, lengthMs, line, lufs, roleName, size, stageName, when } from './words.js';

const APPROVERS = ["LABEL", "ARTIST", "PRODUCER", "MIX_ENGINEER", "MASTERING_ENGINEER", "MANAGER"];
const ASKERS = ["ARTIST", "PRODUCER", "LABEL", "MANAGER"];
const STATES = { COUNTS: "counts", OUTDATED: "outdated", WITHDRAWN: "withdrawn", HOLD: "holds it", HOLD_LIFTED: "lifted the hold" };
// Less is not all of it: the edges of a file are seldom heard to the end.
const HEARD_PERCENT = 95;

export class Gate {
  constructor(song) {
    this.song = song;
    this.app = song.app;
    this.title = h("h2", { id: "gate-title" }, "The gate");
    this.sum = h("p.soft");
    this.lines = h("ul.gate");
    this.signed = h("ul.signed");
    this.signedTitle = h("h3", {}, "Signatures");
    this.approve = h("button.primary", { type: "button", "data-focus": "approve", onclick: () => this.askApproval() }, icon("check"), "Approve");
    this.revise = h("button", { type: "button", "data-focus": "revise", onclick: () => this.askRevision() }, "Ask for a revision");
    this.withdraw = h("button.plain", { type: "button", onclick: () => this.takeBack() }, "Withdraw your approval");
    this.why = h("p.small.soft");
    this.wrong = h("div", { "aria-live": "assertive" });
    this.element = h("section.card.stack.side", { "aria-labelledby": "gate-title" }, this.title, this.sum, this.lines, h("div.decide", {}, this.approve, this.revise, this.withdraw, this.why, this.wrong), this.signedTitle, this.signed);
  }

  get roles() {
    return this.song.rows.project?.your_roles ?? [];
  }

  show() {
    const { rows, songId, version } = this.song;
    const gate = rows.gate(songId);
    const song = rows.song(songId);
    // A guest of a link hears, and decides nothing.
    this.element.hidden = Boolean(this.app.session.guest);
    text(this.title, gate ? `The gate of ${stageName(gate.stage).toLowerCase()}` : "Decision");
    text(this.sum, gate?.met ? "Everything that it asks for is there." : line(song?.waits_for));
    keyed(this.lines, gate?.lines ?? [], (it) => it.code + it.text, (it) => String(it.met), (it) => h(it.met ? "li.met" : "li", {}, icon(it.met ? "check" : "wait", 22), h("span", {}, h("span.unseen", {}, it.met ? "Done: " : "Missing: "), line(it.text))));
    const approvals = gate?.approvals ?? [];
    this.signedTitle.hidden = approvals.length === 0;
    keyed(this.signed, approvals, (it) => it.approval_id, (it) => JSON.stringify(it), (it) => this.signature(it));
    const yes = may(version, "approve");
    const can = this.roles.some((role) => APPROVERS.includes(role));
    this.approve.hidden = !can;
    this.approve.disabled = !yes.yes;
    const ask = may(version, "request_revision");
    this.revise.hidden = !this.roles.some((role) => ASKERS.includes(role));
    this.revise.disabled = !ask.yes;
    this.withdraw.hidden = !this.own();
    const no = !yes.yes && can ? [yes.text, yes.hint].filter(Boolean).join(" ") : "";
    text(this.why, no || (yes.yes ? yes.text : ""));
    this.why.hidden = !this.why.textContent;
  }

  own() {
    const { version } = this.song;
    if (!may(version, "withdraw_approval").yes) return null;
    const gate = this.song.rows.gate(this.song.songId);
    return gate?.approvals.find((it) => it.person_id === this.app.session.person.person_id && it.version_id === version.version_id && it.state === "COUNTS") ?? null;
  }

  signature(it) {
    const version = this.song.rows.version(it.version_id);
    const receipt = it.receipt_sequence > 0 ? `receipt ${it.receipt_sequence}` : "without a receipt";
    return h("li", {}, h("b", {}, line(it.name)), `as ${roleName(it.role)}`, version && h("span", {}, line(version.name)), h("span", {}, when(it.at_ms)),
      h(it.state === "COUNTS" ? "span.pill.good" : "span.pill", {}, STATES[it.state] ?? ""), it.state !== "HOLD" && h("span.small.faint", {}, receipt), it.reason && h("span", {}, line(it.reason)), it.carried_why && h("span", {}, line(it.carried_why)));
  }

  async takeBack() {
    const own = this.own();
    if (!own) return;
    put(this.wrong);
    try {
      await this.song.perform({ withdraw_approval: { approval_id: own.approval_id } });
    } catch (error) {
      put(this.wrong, problem(error));
    }
  }

  roleChoice(known) {
    const roles = known.filter((role) => this.roles.includes(role));
    if (roles.length < 2) return { role: () => roles[0] ?? this.roles[0], field: null };
    const select = h("select", { id: "as-role" }, roles.map((role) => h("option", { value: role }, roleName(role))));
    return { role: () => select.value, field: h("div.field", {}, h("label", { for: "as-role" }, "You sign as"), select) };
  }

  askApproval() {
    const { rows, songId, version } = this.song;
    const song = rows.song(songId);
    const asked = version.fingerprint;
    const as = this.roleChoice(APPROVERS);
    // Of this question: pressed again after a cut line it is the same approval.
    const approvalId = newId();
    const shown = wordsOfVersion(rows.project, song, version);
    const main = version.files[0];
    const total = version.files.reduce((sum, file) => sum + (file.facts?.bytes ?? 0), 0);
    const fetchable = version.files.every((file) => file.may_fetch) && globalThis.isSecureContext;
    const receipt = h("input", { type: "checkbox", id: "receipt", checked: fetchable, disabled: !fetchable });
    const cautions = this.cautions(rows, song, version);
    const progress = h("div", { "aria-live": "polite" });
    const stop = new AbortController();
    const yes = h("button.primary", { type: "button", "data-focus": "sign" }, `Approve ${line(version.name)}`);
    const no = h("button", { type: "button", onclick: () => box.close() }, "Not now");
    const box = dialog(`Approve ${line(version.name)}?`, [
      h("dl.quoted", {},
        h("dt", {}, "Song"), h("dd.serif", {}, line(song.title)), h("dt", {}, "Version"), h("dd", {}, `${line(version.name)}${version.title ? `, ${line(version.title)}` : ""}`),
        h("dt", {}, "Length"), h("dd.nums", {}, clock(lengthMs(main?.facts))), h("dt", {}, "Loudness"), h("dd.nums", {}, `${lufs(main?.facts?.integrated_lufs)}, true peak ${figure(main?.facts?.true_peak_dbtp ?? 0)} dBTP`),
        h("dt", {}, "Files"), h("dd", {}, `${count(version.files.length, "file", "files")}, ${size(total)}, ${format(main?.facts)}`),
        h("dt", {}, "Fingerprint"), h("dd.print", { title: asked }, fingerprint(asked), h("span.unseen", {}, asked)), version.uploaded_by && h("dt", {}, "By"), version.uploaded_by && h("dd", {}, line(version.uploaded_by))),
      version.changelog && h("p.soft", {}, `Changed: ${line(version.changelog)}`),
      cautions.length > 0 && h("ul.cautions", {}, cautions.map((one) => h("li", {}, one))),
      may(version, "approve").text && h("p", {}, may(version, "approve").text),
      as.field ?? h("p.soft", {}, `You sign as ${roleName(as.role())}.`),
      h("label.check", { for: "receipt" }, receipt, h("span", {}, "Sign it with the key of this browser", h("span.soft.small", {}, fetchable
        ? ` \u2013 it fetches the exact files (${size(total)}), checks them and makes a receipt that holds without this studio.`
        : " \u2013 not possible here: the originals are closed to you, or this page is not on https."))),
      progress, h("div.actions", {}, no, yes)], { onclose: () => stop.abort() });
    let running = false;
    holdBack(yes);
    yes.addEventListener("click", async () => {
      if (running) return;
      running = yes.disabled = true;
      const wish = { approvalId, shown, projectId: rows.project.project_id, versionId: version.version_id, fingerprint: asked, role: as.role(), person: this.app.session.person.person_id };
      try {
        const answer = receipt.checked ? await approve(this.app.net, wish, (step) => tellStep(progress, step), stop.signal)
          : await this.app.perform(wish.projectId, actionOf(wish, approvalId, null));
        box.close();
        this.app.say([`You approved ${line(version.name)}${receipt.checked ? `, receipt ${answer.sequence}` : ""}.`, ...answer.effects.map(line)].join(" "));
      } catch (error) {
        running = yes.disabled = false;
        if (stop.signal.aborted) return;
        if (error.reason === "KEY_NOT_VOUCHED" && error.more.code) askVouch(progress, this.app, rows, error, () => yes.click());
        else put(progress, problem(error));
      }
    });
  }

  // What somebody should know before they sign.
  cautions(rows, song, version) {
    const said = [];
    const blocks = version.preflight.filter((one) => one.block);
    const first = blocks[0] ?? version.preflight[0];
    if (first) said.push(`${blocks.length ? "Preflight blocks" : count(version.preflight.length, "preflight remark", "preflight remarks")}: ${line(first.text)}`);
    const open = rows.threads(song.song_id, version.version_id).filter(({ note }) => note.state === "OPEN");
    const own = open.filter(({ note }) => note.author_id === this.app.session.person.person_id).length;
    if (open.length) said.push(`${count(open.length, "open note", "open notes")} on the song${own ? `, ${own} of them yours` : ""}.`);
    if (version.heard_percent < HEARD_PERCENT) said.push(`You heard ${version.heard_percent} % of it.`);
    const hold = rows.gate(song.song_id)?.approvals.find((one) => one.state === "HOLD");
    if (hold) said.push(`On hold by ${line(hold.name)} as ${roleName(hold.role)}.`);
    if (rows.requests(song.song_id).some((one) => !one.answered_by_version_id && one.version_id === version.version_id)) said.push("A revision of it was asked for and not answered.");
    return said;
  }

  askRevision() {
    const { rows, songId, version } = this.song;
    const open = rows.threads(songId, version.version_id).map((it) => it.note).filter((note) => note.state === "OPEN" && !note.internal);
    const place = `${this.app.session.person.person_id}.${songId}.revision`;
    const as = this.roleChoice(ASKERS);
    const boxes = open.map((note) => [note, h("input", { type: "checkbox", checked: true })]);
    const message = h("textarea", { id: "revision-message", rows: "3", placeholder: "What should the next version be?", oninput: () => drafts.write(place, message.value) });
    message.value = drafts.read(place);
    const correction = h("input", { type: "checkbox", id: "correction" });
    const wrong = h("div", { "aria-live": "assertive" });
    const send = h("button.primary", { type: "button" }, "Ask for a revision");
    const consequence = may(version, "request_revision").text;
    const box = dialog(`Ask for a revision of ${line(version.name)}`, [
      consequence && h("p.soft", {}, consequence),
      h("fieldset", {}, h("legend", {}, "Notes that belong to it"),
        open.length ? h("div.pick", {}, boxes.map(([note, input]) => h("label.check", {}, input, h("span", {}, note.start_ms !== null && h("b.nums", {}, `${clock(note.start_ms)} `), line(note.text).slice(0, 160)))))
          : h("p.soft", {}, "There are no open notes to ask for. Close this and write what should change first.")),
      h("div.field", {}, h("label", { for: "revision-message" }, "Your message"), message), as.field,
      h("label.check", { for: "correction" }, correction, h("span", {}, "A correction", h("span.soft.small", {}, " \u2013 something that should have been right"))),
      wrong, h("div.actions", {}, h("button", { type: "button", onclick: () => box.close() }, "Not now"), send)]);
    send.disabled = open.length === 0;
    let beyond = false;
    send.addEventListener("click", async () => {
      const note_ids = boxes.filter(([, input]) => input.checked).map(([note]) => note.note_id);
      send.disabled = true;
      put(wrong);
      try {
        const answer = await this.song.perform({ request_revision: {
          request_id: newId(), version_id: version.version_id, role: as.role(), message: message.value.trim(), note_ids, kind: correction.checked ? "CORRECTION" : "CHANGE", beyond_terms: beyond } });
        drafts.write(place, "");
        box.close();
        this.app.say(["The revision was asked for.", ...answer.effects.map(line)].join(" "));
      } catch (error) {
        put(wrong, problem(error));
        if (error.reason === "BEYOND_TERMS") {
          // What it costs is the studio's sentence; only a second yes, after reading it, sends it.
          beyond = true;
          text(send, "Ask all the same");
        }
        send.disabled = false;
      }
    });
  }
}

// The second half of a double click signs nothing: nobody has read a question in half a second.
const READ_MS = 600;
function holdBack(yes) {
  yes.disabled = true;
  setTimeout(() => (yes.disabled = false), READ_MS);
}

// How far an approval is.
function tellStep(progress, { step, name, done, total }) {
  if (step === "fetching") {
    let bar = progress.querySelector("progress");
    if (!bar) {
      bar = h("progress", { max: "1", "aria-label": "Fetching the files" });
      put(progress, h("p.small.soft", {}, "Fetching and checking the files"), bar);
    }
    bar.value = total ? done / total : 0;
    text(progress.firstChild, `Fetching and checking ${line(name)}: ${size(done)} of ${size(total)}`);
    return;
  }
  put(progress, h("p.small.soft", {}, { record: "Holding the studio's record against what was seen here before\u2026", enrolling: "Making this browser's key known\u2026", signing: "Signing\u2026" }[step]));
}

// The record of an album: what was made, and its approval.
export function askRecord(app, rows, record) {
  const progress = h("div", { "aria-live": "polite" });
  const stop = new AbortController();
  const roles = rows.project.your_roles.filter((role) => record.asked_roles.includes(role));
  const role = roles[0] ?? rows.project.your_roles[0];
  const as = roles.length < 2 ? null : h("select", { id: "as-role" }, roles.map((one) => h("option", { value: one }, roleName(one))));
  const [approvalId, shown] = [newId(), wordsOfRecord(rows.project, record)];
  const yes = h("button.primary", { type: "button" }, `Approve Record ${record.number}`);
  const box = dialog(`Approve Record ${record.number}?`, [
    h("dl.quoted", {}, h("dt", {}, "Record"), h("dd.serif", {}, line(rows.project.title)), h("dt", {}, "Files"), h("dd", {}, `${count(record.file_count, "file", "files")}, ${size(record.bytes)}`),
      h("dt", {}, "Made for"), h("dd", {}, record.profiles.map(line).join(", ")), h("dt", {}, "Made"), h("dd", {}, day(record.at_ms)), h("dt", {}, "Fingerprint"), h("dd.print", { title: record.fingerprint }, fingerprint(record.fingerprint))),
    record.cautions.length > 0 && h("ul.cautions", {}, record.cautions.map((one) => h("li", {}, line(one)))),
    as ? h("div.field", {}, h("label", { for: "as-role" }, "You sign as"), as) : h("p.soft", {}, `You sign as ${roleName(role)}.`), progress, h("div.actions", {}, h("button", { type: "button", onclick: () => box.close() }, "Not now"), yes)],
  { onclose: () => stop.abort() });
  holdBack(yes);
  yes.addEventListener("click", async () => {
    yes.disabled = true;
    const wish = { approvalId, shown, projectId: rows.project.project_id, recordId: record.record_id, fingerprint: record.fingerprint, role: as?.value ?? role, person: app.session.person.person_id };
    try {
      const answer = await approve(app.net, wish, (step) => tellStep(progress, step), stop.signal);
      box.close();
      app.say([`You approved Record ${record.number}, receipt ${answer.sequence}.`, ...answer.effects.map(line)].join(" "));
    } catch (error) {
      yes.disabled = false;
      if (stop.signal.aborted) return;
      if (error.reason === "KEY_NOT_VOUCHED" && error.more.code) askVouch(progress, app, rows, error, () => yes.click());
      else put(progress, problem(error));
    }
  });
}

// The one step that lets a key of somebody's terminal vouch for this browser's. When the studio tells that it was done, what was begun goes on.
function askVouch(progress, app, rows, error, again) {
  const command = `deadwax key vouch ${error.more.code} --project ${rows.project.project_id}`;
  const shell = h("code.shell.print", { tabindex: "0", "aria-label": "What to say in the terminal" }, command);
  const copy = h("button", { type: "button", onclick: async () => {
    // A browser may forbid it; then it is marked, to be copied by hand.
    const copied = await navigator.clipboard?.writeText(command).then(() => true, () => false);
    if (!copied) getSelection().selectAllChildren(shell);
    text(copy, copied ? "Copied" : "Marked: copy it now");
  } }, "Copy");
  const panel = h("div.problem", { role: "status", "data-reason": error.reason }, h("span", {}, error.text),
    h("span", {}, "Say this in the terminal where you signed before. It asks about the key ", h("b.print", {}, error.more.key.slice(0, 12)), ": that is this browser."),
    shell, h("div.row.between", {}, h("span.hint", {}, "As soon as it is done your approval goes on here by itself. Is that key lost? Then a manager of the project revokes it."), copy));
  put(progress, panel);
  const timer = setInterval(() => {
    if (!panel.isConnected) return clearInterval(timer);
    const mine = rows.member(app.session.person.person_id)?.keys ?? [];
    if (!mine.some((one) => one.fingerprint === error.more.key && one.revoked_ms === 0)) return undefined;
    clearInterval(timer);
    put(progress);
    return again();
  }, 300);
}
