// The record as a whole: its songs in the running order with the real gaps, crossfades, fades, trims and levels of the newest spacing, as one line of sound. Never here: what
// may be decided about it.

import { Deck } from './deck.js';
import { askRecord } from './decide.js';
import { h, icon, keyed, problem, put, set, text } from './dom.js';
import { cutOf } from './player.js';
import { may } from './rows.js';
import { clock, count, lengthMs, line, lufs } from './words.js';

const AHEAD_S = 6;
const SOON_S = 0.08;
const CURVE_POINTS = 64;

// Where each song lies, in seconds of the whole. `songs`: { song, version, item }, in order.
export function layOut(songs) {
  let end = 0;
  return songs.map(({ song, version, item }, at) => {
    const facts = version.files[0].facts;
    const whole = lengthMs(facts) / 1000;
    const [trimIn, trimOut] = [(item?.trim_in_ms ?? 0) / 1000, (item?.trim_out_ms ?? 0) / 1000];
    const length = Math.max(0, whole - trimIn - trimOut);
    const crossfade = at === 0 ? 0 : Math.min((item?.crossfade_ms ?? 0) / 1000, length, end);
    const start = at === 0 ? 0 : Math.max(0, end + (item?.gap_ms ?? 0) / 1000 - crossfade);
    end = start + length;
    return { song, version, item, trimIn, length, start, end, crossfade, gainDb: (item?.gain_cb ?? 0) / 100, fadeIn: (item?.fade_in_ms ?? 0) / 1000, fadeOut: (item?.fade_out_ms ?? 0) / 1000, shape: item?.shape ?? "EQUAL_POWER" };
  }).map((part, at, all) => ({ ...part, leaves: all[at + 1]?.crossfade ?? 0, leavesBy: all[at + 1]?.shape ?? "EQUAL_POWER" }));
}

// How loud a song is at a place in it, by its fades: 0 to 1.
export function envelope(part, at) {
  const up = (length, shape) => (length > 0 && at < length ? curve(at / length, shape) : 1);
  const down = (length, shape) => (length > 0 && at > part.length - length ? curve((part.length - at) / length, shape) : 1);
  return up(part.fadeIn, part.shape) * down(part.fadeOut, part.shape) * up(part.crossfade, part.shape) * down(part.leaves, part.leavesBy);
}
function curve(part, shape) {
  const at = Math.max(0, Math.min(1, part));
  if (shape === "LINEAR") return at;
  if (shape === "EXPONENTIAL") return at === 0 ? 0 : 10 ** (3 * (at - 1));
  return Math.sin((at * Math.PI) / 2);
}

// One line of sound over all of them. Each song is its own chain of pieces; two sound at once where they cross.
export class AlbumPlayer {
  constructor(net, tell) {
    this.net = net;
    this.tell = tell;
    this.parts = [];
    this.decks = new Map();
    this.playing = false;
    this.rest = 0;
    this.voices = new Map();
  }
  get length() {
    return this.parts.at(-1)?.end ?? 0;
  }
  get position() {
    if (!this.playing) return this.rest;
    return Math.min(this.length, this.rest + Math.max(0, this.context.currentTime - this.began));
  }
  setParts(parts) {
    const same = JSON.stringify(parts.map((it) => [it.version.version_id, it.start, it.length, it.trimIn, it.gainDb, it.fadeIn, it.fadeOut, it.crossfade, it.item]));
    if (same === this.same) return;
    const place = this.position;
    const playing = this.playing;
    if (playing) this.pause();
    this.same = same;
    this.parts = parts;
    this.rest = Math.min(place, this.length);
    // A record as one thing goes down by what its loudest song was turned up.
    this.over = Math.max(0, ...parts.map((part) => (part.gainDb > 0 ? part.gainDb + (part.version.files[0].facts?.true_peak_dbtp ?? 0) : 0)));
    if (playing) this.play();
  }
  deck(part) {
    const file = part.version.files[0];
    const key = file.sha256;
    if (!this.decks.has(key)) this.decks.set(key, new Deck(this.net, { key, project_id: this.projectId, version_id: part.version.version_id, sha256: file.sha256 }, this.tell));
    return this.decks.get(key);
  }
  async play(from = this.rest) {
    this.stop();
    this.rest = from >= this.length - 0.05 ? 0 : from;
    const part = this.parts.find((it) => it.end > this.rest);
    if (!part) return;
    const turn = (this.turn = (this.turn ?? 0) + 1);
    this.waiting = true;
    this.error = null;
    this.tell();
    try {
      this.context ??= new AudioContext({ latencyHint: "playback" });
      const resumed = this.context.resume();
      const deck = this.deck(part);
      const at = () => deck.pieceOf(Math.round((Math.max(0, this.rest - part.start) + part.trimIn) * deck.rate));
      deck.want(0);
      await deck.begun();
      await deck.piece(at());
      await Promise.race([resumed, new Promise((done) => setTimeout(done, 1500))]);
      if (turn !== this.turn) return;
      this.began = this.context.currentTime + SOON_S;
      this.playing = true;
      this.timer = setInterval(() => this.tick(), 200);
      this.tick();
    } catch (error) {
      if (turn === this.turn) this.error = error;
    } finally {
      if (turn === this.turn) this.waiting = false;
      this.tell();
    }
  }
  stop() {
    this.turn = (this.turn ?? 0) + 1;
    this.waiting = false;
    clearInterval(this.timer);
    for (const voice of this.voices.values()) this.silence(voice);
    this.voices.clear();
    this.playing = false;
  }
  silence(voice) {
    const now = this.context.currentTime;
    voice.out.gain.cancelScheduledValues(now);
    voice.out.gain.setTargetAtTime(0, now, 0.002);
    for (const source of voice.sources) source.stop(now + 0.03);
    setTimeout(() => voice.out.disconnect(), 100);
  }
  pause() {
    const place = this.position;
    this.stop();
    this.rest = place;
    this.tell();
  }
  seek(seconds) {
    const place = Math.max(0, Math.min(this.length, seconds));
    if (this.playing || this.waiting) return this.play(place);
    this.rest = place;
    return this.tell();
  }
  // The time of the context at which a place of the record sounds.
  time(place) {
    return this.began + (place - this.rest);
  }
  tick() {
    if (!this.playing) return;
    const [now, until] = [this.position, this.position + AHEAD_S];
    if (now >= this.length) {
      this.stop();
      this.rest = 0;
      return this.tell();
    }
    for (const part of this.parts) {
      if (part.end <= now || part.start > until + 20) continue;
      const deck = this.deck(part);
      if (part.start > until) {
        // What follows is brought near before it is needed.
        deck.want(deck.head ? deck.pieceOf(Math.round(part.trimIn * deck.rate)) : 0);
        continue;
      }
      if (!this.voices.has(part)) this.voices.set(part, this.voice(part, deck, Math.max(this.rest, part.start) - part.start));
      this.fill(this.voices.get(part), until);
    }
    return this.tell();
  }
  voice(part, deck, from) {
    const [out, level] = [this.context.createGain(), this.context.createGain()];
    level.gain.value = 10 ** ((part.gainDb - this.over) / 20);
    level.connect(out).connect(this.context.destination);
    this.shape(out.gain, part, from);
    return { part, deck, out, level, sources: new Set(), from };
  }
  shape(gain, part, from) {
    const at = this.time(part.start + from);
    gain.setValueAtTime(envelope(part, from) * (from > 0 ? 0 : 1), at);
    if (from > 0) gain.linearRampToValueAtTime(envelope(part, from + 0.005), at + 0.005);
    const edges = [[0, Math.max(part.fadeIn, part.crossfade)], [part.length - Math.max(part.fadeOut, part.leaves), part.length]];
    for (const [begin, end] of edges) {
      const [a, b] = [Math.max(begin, from + 0.006), end];
      if (b - a < 0.002) continue;
      for (let step = 0; step <= CURVE_POINTS; step++) {
        const place = a + ((b - a) * step) / CURVE_POINTS;
        gain.linearRampToValueAtTime(envelope(part, place), this.time(part.start + place));
      }
    }
  }
  fill(voice, until) {
    const { part, deck } = voice;
    if (!deck.head) {
      deck.want(0);
      return;
    }
    const [rate, end] = [deck.rate, Math.min(deck.samples, Math.round((part.trimIn + part.length) * deck.rate))];
    voice.sample ??= Math.round((part.trimIn + voice.from) * rate);
    const place = () => part.start + voice.sample / rate - part.trimIn;
    while (voice.sample < end && place() < until) {
      const number = deck.pieceOf(voice.sample);
      deck.want(number);
      const piece = deck.ready(number);
      if (!piece) {
        if (deck.span(number)) deck.decode(number).then(() => this.tick(), () => {});
        return this.wait(voice, place());
      }
      const from = voice.sample - deck.startOf(number);
      const length = Math.min(piece.length - from, end - voice.sample);
      const source = this.context.createBufferSource();
      source.buffer = cutOf(piece, from, length);
      source.connect(voice.level);
      source.start(this.time(place()));
      voice.sources.add(source);
      source.onended = () => voice.sources.delete(source);
      voice.sample += length;
    }
    if (deck.error) this.fail(deck.error);
    return undefined;
  }
  // Where the sound does not come in time all of it waits: gaps stay as long as they are.
  wait(voice, place) {
    if (voice.deck.error) return this.fail(voice.deck.error);
    if (this.time(place) > this.context.currentTime + 0.02) return undefined;
    this.stop();
    this.rest = place;
    return this.play(place);
  }
  fail(error) {
    this.pause();
    this.error = error;
    this.tell();
  }
  close() {
    this.stop();
    for (const deck of this.decks.values()) deck.close();
    this.context?.close();
  }
}

export class Album {
  constructor(app, room) {
    this.app = app;
    this.room = room;
    this.player = new AlbumPlayer(app.net, () => this.draw());
    this.player.projectId = room.projectId;
    this.go = h("button.go", { type: "button", "aria-label": "Play the record", "data-focus": "play", onclick: () => (this.player.playing || this.player.waiting ? this.player.pause() : this.player.play()) }, icon("play", 26));
    this.now = h("span.clock");
    this.place = h("input", { type: "range", min: "0", step: "0.1", "aria-label": "Place in the record", oninput: () => this.player.seek(Number(this.place.value)) });
    this.place.className = "whole";
    this.songs = h("ol.album");
    this.sum = h("p.soft");
    this.trouble = h("div", { "aria-live": "assertive" });
    this.record = h("section.card.stack", { "aria-label": "Record", hidden: true });
    this.element = h("div.main", { id: "main", tabindex: "-1", role: "main" },
      h("a.button.only-narrow.quiet", { href: `#/p/${room.projectId}`, onclick: () => {} }, icon("back", 18), "All songs"),
      h("div.head", {}, h("div.grow", {}, h("h1", {}, "The record"), this.sum)),
      h("section.card.stack", { "aria-label": "Listen" }, h("div.transport.bare-row", {}, this.go, this.now), this.place, this.trouble, this.songs), this.record);
    this.show();
    this.keys = (event) => this.key(event);
    document.addEventListener("keydown", this.keys);
    this.timer = setInterval(() => this.draw(), 200);
  }
  close() {
    clearInterval(this.timer);
    document.removeEventListener("keydown", this.keys);
    this.player.close();
  }
  show() {
    const { rows } = this.room.live;
    const { spacing } = rows.project;
    const items = new Map((spacing?.items ?? []).map((item, at) => [item.song_id, { ...item, at }]));
    const songs = rows.songs().sort((a, b) => (items.get(a.song_id)?.at ?? a.position) - (items.get(b.song_id)?.at ?? b.position));
    const found = songs.map((song) => ({ song, item: items.get(song.song_id), version: rows.version(song.candidate_version_id) ?? rows.versions(song.song_id).find((one) => one.files.length) })).filter((it) => it.version?.files.length);
    this.parts = layOut(found);
    this.player.setParts(this.parts);
    const missing = songs.length - found.length;
    text(this.sum, [count(found.length, "song", "songs"), clock(this.player.length * 1000, false), spacing ? `spacing ${spacing.number}${spacing.by ? `, by ${line(spacing.by)}` : ""}` : "no spacing was set", missing ? `${count(missing, "song has", "songs have")} no sound yet` : ""].filter(Boolean).join(" \u00b7 "));
    this.place.max = String(this.player.length);
    const now = this.current();
    keyed(this.songs, this.parts, (it) => it.song.song_id, (it) => JSON.stringify([it.start, it.length, it.song.title, it.version.name, it === now]), (it) => this.line(it, it === now));
    this.showRecord(rows);
    this.draw();
  }
  line(part, current) {
    const gap = part.crossfade ? `crosses ${part.crossfade.toFixed(1)} s` : part.item?.gap_ms ? `after ${(part.item.gap_ms / 1000).toFixed(1)} s` : "";
    return set(h("li", {}, h("button.plain.nums", { type: "button", "aria-label": `${clock(part.start * 1000, false)}: play from ${line(part.song.title)}`, "data-focus": `from-${part.song.song_id}`, onclick: () => this.player.play(part.start) }, clock(part.start * 1000, false)),
      h("span", {}, h("b", {}, line(part.song.title)), h("span.soft.small", {}, ` ${line(part.version.name)}, ${lufs(part.version.files[0].facts?.integrated_lufs)}`)), h("span.small.soft", {}, gap)), { "aria-current": current && "true" });
  }
  showRecord(rows) {
    const record = rows.record();
    this.record.hidden = !record || record.state === "CANCELLED";
    if (this.record.hidden) return;
    const yes = may(record, "approve_record");
    put(this.record, h("h2", {}, `Record ${record.number}`), h("p.soft", {}, line(record.waits_for || record.reason || "")), yes.yes && h("button.primary", { type: "button", "data-focus": "approve-record", onclick: () => askRecord(this.app, rows, record) }, icon("check"), "Approve the record"),
      !yes.yes && yes.text && h("p.small.soft", {}, line(yes.text)), record.approvals.map((one) => h("p.small", {}, `${line(one.name)} approved it, receipt ${one.receipt_sequence}`)));
  }
  current() {
    const at = this.player.position;
    return this.parts?.findLast((it) => it.start <= at) ?? null;
  }
  draw() {
    const { player } = this;
    text(this.now, `${clock(player.position * 1000)} / ${clock(player.length * 1000)}`);
    if (document.activeElement !== this.place || player.playing) this.place.value = String(player.position);
    set(this.place, { "aria-valuetext": clock(player.position * 1000) });
    const playing = player.playing || player.waiting;
    if (this.shown !== playing) {
      this.shown = playing;
      put(this.go, icon(playing ? "pause" : "play", 26));
      set(this.go, { "aria-label": playing ? "Pause" : "Play the record" });
    }
    set(this.go, { "aria-busy": String(Boolean(player.waiting)) });
    if (this.saidError !== player.error) {
      this.saidError = player.error;
      put(this.trouble, problem(player.error));
    }
    const now = this.current();
    if (now !== this.was) {
      this.was = now;
      for (const [at, item] of [...this.songs.children].entries()) set(item, { "aria-current": this.parts[at] === now && "true" });
    }
  }
  key(event) {
    if (event.key !== " " || event.ctrlKey || event.target.closest?.("button, a, input, textarea") || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (this.player.playing) this.player.pause();
    else this.player.play();
  }
}
