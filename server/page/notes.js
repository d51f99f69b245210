// Notes of a song: written at a time, over a range or about the whole; threads with answers; done, accepted, declined, opened again. What may be done stands in each row.
// Never here: who may what; sending without the person's word.

import { add, h, icon, keyed, problem, put, text } from './dom.js';
import { drafts } from './keep.js';
import { Refusal } from './net.js';
import { may } from './rows.js';
import { clock, line, readClock, roleName, scrub, when } from './words.js';

const ENGINEERS = new Set(["MIX_ENGINEER", "MASTERING_ENGINEER", "PRODUCER"]);
const STATES = { OPEN: "", ADDRESSED: "done, waits for its author", ACCEPTED: "accepted", DECLINED: "declined" };
const ASKS = { DECLINE: "Why not?", REOPEN: "What is still wrong?" };

export class Notes {
  // `song`: the room that it stands in: position, range, version, app.
  constructor(song) {
    this.song = song;
    this.app = song.app;
    this.mode = "now";
    this.open = new Set();
    this.listing = h("div.threads");
    this.empty = h("p.soft", {}, "No notes yet.");
    this.settled = h("button.plain", { type: "button", hidden: true, "aria-expanded": "false", onclick: () => this.toggleSettled() });
    this.body = h("textarea", { id: "note-text", rows: "3", maxlength: "10000", "data-focus": "note-text", placeholder: "What do you hear?", oninput: () => this.typed() });
    this.at = h("input", { type: "text", inputmode: "decimal", "aria-label": "From", "data-focus": "note-at", onchange: () => this.timed() });
    this.to = h("input", { type: "text", inputmode: "decimal", "aria-label": "To", "data-focus": "note-to", onchange: () => this.timed() });
    this.dash = h("span.faint", {}, "to");
    this.modes = Object.fromEntries([["now", "At a time"], ["range", "A range"], ["whole", "Whole song"]].map(([mode, say]) => [mode,
      h("button.quiet", { type: "button", role: "radio", "aria-checked": "false", onclick: () => this.setMode(mode) }, say)]));
    this.to_whom = h("select", { "aria-label": "Addressed to" });
    this.internal = h("input", { type: "checkbox", id: "internal" });
    this.internalField = h("label.check.small", { for: "internal" }, this.internal, "Engineers and producer only");
    this.wrong = h("div", { "aria-live": "assertive" });
    this.say = h("button.primary", { type: "submit" }, icon("note"), "Add note");
    this.form = h("form.compose", { onsubmit: (event) => this.send(event) },
      h("label", { for: "note-text" }, "Write a note"), this.body,
      h("div.row", {}, h("div.row", { role: "radiogroup", "aria-label": "Where it belongs" }, Object.values(this.modes)), h("span.place", {}, this.at, this.dash, this.to)),
      h("div.row.between", {}, h("div.row", {}, this.to_whom, this.internalField), this.say), this.wrong);
    this.refused = h("p.soft.small", { hidden: true });
    this.element = h("section.card.stack", { "aria-labelledby": "notes-title" },
      h("div.row.between", {}, h("h2", { id: "notes-title", tabindex: "-1" }, "Notes"), this.settled), this.form, this.refused, this.empty, this.listing);
    this.body.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.form.requestSubmit();
    });
    this.setMode("now");
  }

  get place() {
    return `${this.app.session.person.person_id}.${this.song.songId}`;
  }

  typed() {
    drafts.write(this.place, this.body.value);
    // From the first letter on the place stays where it was heard.
    if (this.mode === "now" && this.held === null && this.body.value) this.hold(this.song.position);
    if (!this.body.value) this.held = null;
    drafts.write(`${this.place}.at`, this.body.value && [this.mode, this.at.value, this.to.value].join(" "));
  }
  // What was begun before the page was closed, with the place that it was about.
  takeUp(draft) {
    this.body.value = draft;
    const [mode, at, to] = drafts.read(`${this.place}.at`).split(" ");
    const [from, until] = [readClock(at ?? ""), readClock(to ?? "")];
    if (mode === "whole") this.setMode("whole");
    else if (mode === "range" && from !== null && until !== null) this.song.setRange({ from: from / 1000, to: until / 1000 });
    else this.hold(from === null ? this.song.position : from / 1000);
  }
  hold(seconds) {
    this.held = seconds;
    this.at.value = clock(seconds * 1000);
  }
  timed() {
    const [from, to] = [readClock(this.at.value), readClock(this.to.value)];
    if (from === null) return;
    this.held = from / 1000;
    if (this.mode === "range" && to !== null && to > from) this.song.setRange({ from: from / 1000, to: to / 1000 });
  }

  setMode(mode) {
    this.mode = mode;
    if (mode !== "now") this.held = null;
    for (const [name, button] of Object.entries(this.modes)) button.setAttribute("aria-checked", String(name === mode));
    this.at.parentElement && (this.at.parentElement.hidden = mode === "whole");
    this.to.hidden = this.dash.hidden = mode !== "range";
    if (mode === "now") this.held ??= this.body.value ? this.song.position : null;
    this.tick();
    if (mode === "range") {
      const range = this.song.range ?? { from: this.song.position, to: Math.min(this.song.length || Infinity, this.song.position + 5) };
      this.setRange(range);
      if (!this.song.range) this.song.setRange(range);
    }
  }
  setRange(range) {
    if (!range) return;
    if (this.mode !== "range") return this.setMode("range");
    this.at.value = clock(range.from * 1000);
    this.to.value = clock(range.to * 1000);
  }
  // The time that a note would be written at follows what sounds, until somebody types.
  tick() {
    if (this.mode !== "now" || this.held !== null || document.activeElement === this.at) return;
    const now = clock(this.song.position * 1000);
    if (this.at.value !== now) this.at.value = now;
  }

  show() {
    const { rows, version } = this.song;
    const draft = drafts.read(this.place);
    if (draft && !this.body.value && document.activeElement !== this.body) {
      this.takeUp(draft);
    }
    const write = may(version, "add_note");
    this.form.hidden = !write.yes;
    const { guest } = this.app.session;
    this.refused.hidden = write.yes || !write.text || Boolean(guest);
    text(this.refused, write.text);
    const mine = rows.project?.your_roles ?? [];
    this.internalField.hidden = !mine.some((role) => ENGINEERS.has(role));
    this.people(rows);
    const threads = rows.threads(this.song.songId, version?.version_id ?? "");
    const isSettled = (thread) => thread.note.state === "ACCEPTED" || thread.note.state === "DECLINED";
    const settled = threads.filter(isSettled).length;
    this.settled.hidden = settled === 0;
    text(this.settled, this.showSettled ? "Hide settled" : `Show settled (${settled})`);
    const shown = threads.filter((thread) => this.showSettled || !isSettled(thread));
    const unsent = this.app.outbox.of(this.song.songId).map((item) => ({ unsent: item }));
    this.empty.hidden = shown.length + unsent.length > 0;
    // A link without notes shows no empty place for them.
    this.element.hidden = Boolean(guest) && !write.yes && threads.length === 0;
    text(this.empty, settled ? "Every note is settled." : "No notes yet.");
    keyed(this.listing, [...unsent, ...shown], (it) => (it.unsent ? it.unsent.command_id : it.note.note_id),
      (it) => JSON.stringify([it, version?.version_id, it.note && this.open.has(it.note.note_id), this.here === it.note?.note_id]), (it) => (it.unsent ? this.unsent(it.unsent) : this.thread(it)));
  }

  people(rows) {
    const others = rows.members().filter((one) => one.person_id !== this.app.session.person.person_id);
    const signature = others.map((one) => one.person_id + one.name).join();
    this.to_whom.hidden = others.length === 0;
    if (this.told === signature) return;
    this.told = signature;
    const chosen = this.to_whom.value;
    put(this.to_whom, h("option", { value: "" }, "To everybody"), others.map((one) => {
      const option = h("option", {}, `To ${line(one.name)}`);
      option.value = one.person_id;
      return option;
    }));
    this.to_whom.value = others.some((one) => one.person_id === chosen) ? chosen : "";
  }

  toggleSettled() {
    this.showSettled = !this.showSettled;
    this.settled.setAttribute("aria-expanded", String(this.showSettled));
    this.show();
  }

  async send(event) {
    event.preventDefault();
    put(this.wrong);
    const words = this.body.value.trim();
    if (!words) return this.body.focus();
    const [from, to] = [readClock(this.at.value), readClock(this.to.value)];
    if (this.mode !== "whole" && from === null) return put(this.wrong, problem(new Refusal(3, "MALFORMED", "That is no time in the song.", "Write it like 1:23.4.")));
    const note = {
      version_id: this.song.version.version_id, alternate: this.song.alternate === "main" ? "" : this.song.alternate, text: words, addressee_id: this.to_whom.value,
      internal: !this.internalField.hidden && this.internal.checked,
      start_ms: this.mode === "whole" ? null : from, end_ms: this.mode === "range" ? to : null,
    };
    this.say.disabled = true;
    // The words lie in the outbox from here on: what is typed meanwhile is the next note, and a page that is closed now sends this one once.
    this.body.value = "";
    this.held = null;
    drafts.write(this.place, "");
    try {
      const { sent } = await this.app.outbox.add(this.song.rows.project.project_id, this.song.songId, note);
      this.app.say(sent ? "The note is with the studio." : "The line is cut. The note is kept here and sent when it is back.");
    } catch (error) {
      this.takeBack(words);
      put(this.wrong, problem(error));
    } finally {
      this.say.disabled = false;
      this.show();
    }
  }
  // In front of whatever was begun since.
  takeBack(words) {
    this.body.value = [words, this.body.value].filter(Boolean).join("\n\n");
    drafts.write(this.place, this.body.value);
  }

  // What was refused after it had waited comes back to where it was written.
  giveBack(item, error) {
    this.takeBack(item.note.text);
    put(this.wrong, problem(error));
  }

  unsent(item) {
    return h("article.thread.unsent", {}, h("div.by", {}, icon("wait", 16), "Not sent yet: it goes as soon as the studio can be reached"), h("p.words", {}, item.note.text));
  }

  thread({ note, replies, place }) {
    const settled = note.state === "ACCEPTED" || note.state === "DECLINED";
    const made = h("article.thread", { id: `note-${note.note_id}`, "aria-label": `Note by ${line(note.author)}`, tabindex: "-1" },
      this.head(note, place), h("p.words", {}, scrub(note.text)), note.reason && h("p.small.soft", {}, `${note.state === "DECLINED" ? "Declined" : "Reason"}: ${scrub(note.reason)}`),
      this.checklist(note), this.verdict(note), replies.length > 0 && h("div.replies", {}, replies.map((reply) => h("div", {}, this.head(reply, null), h("p.words", {}, scrub(reply.text))))),
      this.deeds(note));
    if (settled) made.classList.add("settled");
    if (this.here === note.note_id) made.classList.add("here");
    return made;
  }

  head(note, place) {
    const state = STATES[note.state];
    const where = place && (place.end_ms === null ? clock(place.start_ms) : `${clock(place.start_ms)}\u2013${clock(place.end_ms)}`);
    const at = place && h("button.at", { type: "button", "data-focus": `at-${note.note_id}`, "aria-label": `${where}: go there`, onclick: () => this.song.hear(place) }, where);
    const role = note.author_role && note.author_role !== "UNSPECIFIED" ? roleName(note.author_role) : "";
    return h("div.by", {}, at, h("b", {}, line(note.author)), role && h("span", {}, role), note.addressee && h("span", {}, `to ${line(note.addressee)}`), h("span", {}, when(note.at_ms)),
      note.internal && h("span.pill", {}, "engineers only"), note.alternate && note.alternate !== "main" && h("span.pill", {}, line(note.alternate)),
      place?.moved === "GONE" && h("span.pill", {}, "its place was cut"), state && h(note.state === "ACCEPTED" ? "span.pill.good" : "span.pill", {}, state));
  }

  checklist(note) {
    if (note.checklist.length === 0) return null;
    const can = may(note, "tick_checklist").yes;
    return h("div", {}, note.checklist.map((item, at) => h("label.check", {}, h("input", {
      type: "checkbox", checked: item.done, disabled: !can, onchange: () => this.act(note, { tick_checklist: { note_id: note.note_id, item: at, done: !item.done } }),
    }), line(item.text))));
  }

  verdict(note) {
    const found = note.verdicts.findLast((one) => one.version_id === this.song.version?.version_id);
    if (!found?.text) return null;
    return h("p.small.soft", {}, `The studio measured: ${line(found.text)}`);
  }

  deeds(note) {
    const version_id = this.song.version?.version_id ?? "";
    const deed = (action, say, run) => (may(note, action).yes ? h("button.quiet", { type: "button", "data-focus": `${action}-${note.note_id}`, onclick: run }, say) : null);
    const reply = may(this.song.version, "add_note").yes && h("button.quiet", { type: "button", "data-focus": `reply-${note.note_id}`, "aria-expanded": String(this.open.has(note.note_id)), onclick: () => this.answer(note, "REPLY") }, "Reply");
    const all = h("div.row", {}, reply,
      deed("accept_note", note.state === "ADDRESSED" ? "Accept" : "Resolve", () => this.act(note, { accept_note: { note_id: note.note_id } })),
      deed("reopen_note", "Open again", () => this.answer(note, "REOPEN")),
      deed("address_note", "Done in this version", () => this.act(note, { address_note: { note_id: note.note_id, version_id } })),
      deed("decline_note", "Decline", () => this.answer(note, "DECLINE")));
    return this.open.has(note.note_id) ? h("div.stack", {}, all, this.box(note)) : all;
  }

  answer(note, kind) {
    const same = this.open.has(note.note_id) && this.kind === kind;
    this.open.clear();
    this.kind = kind;
    if (!same) this.open.add(note.note_id);
    this.show();
    document.getElementById(`reply-${note.note_id}`)?.focus();
  }

  box(note) {
    const place = `${this.place}.${note.note_id}.${this.kind}`;
    const field = h("textarea", { id: `reply-${note.note_id}`, rows: "2", "data-focus": `reply-text-${note.note_id}`, "aria-label": ASKS[this.kind] ?? "Your answer", placeholder: ASKS[this.kind] ?? "Your answer", oninput: () => drafts.write(place, field.value) });
    field.value = drafts.read(place);
    const wrong = h("div", { "aria-live": "assertive" });
    const send = async (event) => {
      event.preventDefault();
      const words = field.value.trim();
      if (!words) return field.focus();
      const { note_id } = note;
      try {
        if (this.kind === "REPLY") {
          await this.app.outbox.add(this.song.rows.project.project_id, this.song.songId, { version_id: note.version_id, parent_note_id: note_id, text: words, internal: note.internal });
        } else await this.song.perform(this.kind === "DECLINE" ? { decline_note: { note_id, reason: words } } : { reopen_note: { note_id, reason: words } });
        drafts.write(place, "");
        this.open.delete(note_id);
        this.show();
      } catch (error) {
        put(wrong, problem(error));
      }
    };
    const say = { REPLY: "Send reply", DECLINE: "Decline the note", REOPEN: "Open it again" }[this.kind];
    return h("form.stack", { onsubmit: send }, field, wrong, h("div.row", {}, h("button.quiet", { type: "submit" }, say), h("button.plain.small", { type: "button", onclick: () => this.answer(note, this.kind) }, "Cancel")));
  }

  async act(note, action) {
    try {
      await this.song.perform(action);
    } catch (error) {
      const at = document.getElementById(`note-${note.note_id}`);
      if (at) add(at, [problem(error)]);
    }
  }

  // A pin was chosen: its thread is shown.
  goTo(noteId) {
    this.here = noteId;
    this.showSettled ||= ["ACCEPTED", "DECLINED"].includes(this.song.rows.byKey.get(`note/${noteId}`)?.state);
    this.show();
    const at = document.getElementById(`note-${noteId}`);
    at?.focus({ preventScroll: true });
    at?.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }
}
