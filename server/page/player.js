// Listening: one clock in samples, sources that begin where the one before ended, switching between files at the same place with ramps of 5 ms, level match, loops. Never
// here: elements, what may be heard.
//
// Everything is said in samples of the audio context, whole numbers, so that two files that run side by side stay together to the sample. What sounds is a line of
// stretches; the place that is shown is read from it backwards.

import { Deck } from './deck.js';
import { Refusal } from './net.js';

const RAMP_S = 0.005;
const AHEAD_S = 4;
const SOON_S = 0.06;
const TICK_MS = 150;
const HEARD_EVERY_S = 10;

export class Player {
  // `makeContext`: gives an AudioContext at a rate; `tell`: something is other than it was; `heard(source, ranges)`: milliseconds that were played.
  constructor(net, { makeContext, tell, heard }) {
    this.net = net;
    this.makeContext = makeContext;
    this.tell = tell;
    this.heard = heard;
    this.decks = new Map();
    this.context = null;
    this.current = null;
    this.voices = [];
    this.playing = false;
    this.stalled = false;
    this.rest = 0;
    this.loop = null;
    this.gains = new Map();
    this.volume = 1;
    this.error = null;
    this.turn = 0;
    this.marks = [];
    this.told = null;
  }

  deck(source) {
    let deck = this.decks.get(source.key);
    if (!deck) {
      deck = new Deck(this.net, source, () => this.tell());
      this.decks.set(source.key, deck);
    }
    return deck;
  }

  // Seconds from the beginning of the music, as it sounds now.
  get position() {
    if (!this.playing || !this.context) return this.rest;
    if (this.stalled) return this.stalledAt;
    const now = this.context.currentTime - (this.context.outputLatency || 0);
    let mark = this.marks[0];
    for (const one of this.marks) if (one.at <= now) mark = one;
    if (!mark) return this.rest;
    return Math.min(this.length || Infinity, mark.place + Math.max(0, now - mark.at));
  }
  get length() {
    const deck = this.current && this.decks.get(this.current.key);
    return deck?.head ? deck.samples / deck.rate : 0;
  }

  // Which file is listened to. While it plays the other one takes over at the same place, as soon as it is there.
  async choose(source, { from = null } = {}) {
    const turn = ++this.turn;
    const before = this.current;
    this.error = null;
    if (!this.playing || !before) {
      this.current = source;
      if (from !== null) this.rest = from;
      this.deck(source).want(this.guess(source, this.rest));
      this.tell();
      // It was about to play the other one.
      if (this.waiting) {
        this.waiting = false;
        await this.play();
      }
      return;
    }
    if (before.key === source.key && from === null) {
      this.pendingSource = null;
      return this.tell();
    }
    this.pendingSource = source;
    this.tell();
    try {
      const deck = this.deck(source);
      deck.want(this.guess(source, this.position));
      await deck.begun();
      for (;;) {
        if (turn !== this.turn) return;
        const place = from ?? this.placeAt(this.now() + SOON_S);
        const first = deck.pieceOf(Math.round(Math.min(place, deck.samples / deck.rate) * deck.rate));
        if (deck.ready(first) && (first >= deck.lastPiece || deck.ready(first + 1))) break;
        await deck.piece(first);
        if (first < deck.lastPiece) await deck.piece(first + 1);
      }
    } catch (error) {
      if (turn === this.turn) this.fail(error);
      return;
    } finally {
      if (turn === this.turn) this.pendingSource = null;
    }
    if (!this.playing || turn !== this.turn) return;
    const at = this.now() + SOON_S;
    const place = from ?? this.placeAt(at);
    this.current = source;
    this.handOver(at, place);
    this.tell();
  }

  guess(source, seconds) {
    const deck = this.deck(source);
    return deck.head ? deck.pieceOf(Math.round(seconds * deck.rate)) : 0;
  }

  // Brings near what may be switched to next.
  prefetch(sources) {
    const place = this.position;
    for (const source of sources) {
      const deck = this.deck(source);
      const at = deck.head ? deck.pieceOf(Math.round(place * deck.rate)) : 0;
      deck.want(at);
      if (deck.head && deck.span(at) && !deck.ready(at)) deck.decode(at).catch(() => {});
      if (deck.head && deck.span(at + 1) && !deck.ready(at + 1) && at < deck.lastPiece) deck.decode(at + 1).catch(() => {});
    }
  }

  // Only from a key or a click: browsers keep silent else.
  async play() {
    if (this.playing || !this.current) return;
    const turn = ++this.turn;
    this.error = null;
    this.waiting = true;
    this.tell();
    try {
      this.context ??= this.begin(this.deck(this.current).rate || 48000);
      // A phone interrupts it for a call: that is no state of the standard, and no sound either.
      const resumed = this.context.state !== "running" ? this.context.resume() : null;
      const deck = this.deck(this.current);
      if (!deck.head) {
        deck.want(this.guess(this.current, this.rest));
        await deck.begun();
      }
      if (this.context.sampleRate !== deck.rate && this.marks.length === 0) {
        // Nothing has sounded yet: the context takes the rate of the file, so that nothing is resampled on the way.
        await this.context.close();
        this.context = this.begin(deck.rate);
      }
      if (resumed) await Promise.race([resumed, new Promise((done) => setTimeout(done, 1500))]);
      if (this.length > 0 && this.rest >= this.length - 0.05) this.rest = this.loop ? this.loop.from : 0;
      await deck.piece(deck.pieceOf(Math.round(this.rest * deck.rate)));
      if (turn !== this.turn) return;
      if (this.context.state !== "running") await Promise.race([this.context.resume(), new Promise((done) => setTimeout(done, 1500))]);
      if (turn !== this.turn) return;
      if (this.context.state !== "running") throw new Refusal(9, "NO_AUTOPLAY", "The browser holds the sound back.", "Press play once more.");
      this.playing = true;
      this.marks = [];
      this.handOver(this.now() + SOON_S, this.rest);
      this.timer = setInterval(() => this.tick(), TICK_MS);
    } catch (error) {
      if (turn === this.turn) this.fail(error);
    } finally {
      if (turn === this.turn) this.waiting = false;
      this.tell();
    }
  }

  begin(rate) {
    const context = this.makeContext(rate);
    this.out = context.createGain();
    this.out.gain.value = this.volume;
    this.out.connect(context.destination);
    context.onstatechange = () => this.tell();
    return context;
  }

  pause() {
    this.turn += 1;
    this.waiting = false;
    // What is shown is what plays on: also where it had not come yet.
    const next = this.pendingSource ?? this.current;
    this.pendingSource = null;
    if (!this.playing) {
      this.current = next;
      return this.tell();
    }
    this.rest = this.position;
    this.count(true);
    this.current = next;
    this.playing = false;
    this.stalled = false;
    clearInterval(this.timer);
    const now = this.now();
    for (const voice of this.voices) this.fade(voice, now + 0.004);
    this.voices = [];
    this.tell();
  }

  toggle() {
    return this.playing || this.waiting ? this.pause() : this.play();
  }

  async seek(seconds) {
    const place = Math.max(0, this.length ? Math.min(seconds, this.length) : seconds);
    if (!this.playing) {
      this.rest = place;
      if (this.current) this.deck(this.current).want(this.guess(this.current, place));
      return this.tell();
    }
    if (this.pendingSource) return this.choose(this.pendingSource, { from: place });
    const turn = ++this.turn;
    this.count(true);
    const deck = this.deck(this.current);
    try {
      await deck.piece(deck.pieceOf(Math.round(place * deck.rate)));
    } catch (error) {
      if (turn === this.turn) this.fail(error);
      return;
    }
    if (turn !== this.turn || !this.playing) return;
    this.handOver(this.now() + SOON_S, place);
    this.tell();
  }

  setLoop(loop) {
    this.loop = loop && loop.to - loop.from > 0.05 ? loop : null;
    if (this.playing) {
      const at = this.now() + SOON_S;
      let place = this.placeAt(at);
      if (this.loop && (place < this.loop.from || place >= this.loop.to)) place = this.loop.from;
      this.handOver(at, place);
    } else if (this.loop) this.rest = this.loop.from;
    this.tell();
  }

  // Decibels for each file, by its key.
  setGains(gains) {
    this.gains = gains;
    for (const voice of this.voices) voice.level.gain.setTargetAtTime(this.gainOf(voice.source), this.now(), 0.01);
  }
  gainOf(source) {
    return 10 ** ((this.gains.get(source.key) ?? 0) / 20);
  }
  setVolume(volume) {
    this.volume = volume;
    if (this.context) this.out.gain.setTargetAtTime(volume, this.now(), 0.01);
  }

  now() {
    return this.context.currentTime;
  }
  // The place that will sound at a time of the context.
  placeAt(time) {
    let mark = this.marks[0];
    for (const one of this.marks) if (one.at <= time + 1e-9) mark = one;
    return mark ? mark.place + Math.max(0, time - mark.at) : this.rest;
  }

  // From a time on the current file sounds from a place on; whatever sounded before goes in 5 ms.
  handOver(time, place) {
    const rate = this.context.sampleRate;
    const at = Math.ceil(time * rate);
    for (const voice of this.voices) this.fade(voice, at / rate);
    const voice = this.voice(this.current, at, place);
    voice.fader.gain.setValueAtTime(0, at / rate);
    voice.fader.gain.linearRampToValueAtTime(1, at / rate + RAMP_S);
    this.voices = [voice];
    this.marks = this.marks.filter((mark) => mark.at < at / rate);
    this.mark(at / rate, place);
    this.stalled = false;
    this.tick();
  }

  mark(at, place) {
    this.marks.push({ at, place });
    const old = this.now() - 2;
    while (this.marks.length > 1 && this.marks[1].at < old) this.marks.shift();
  }

  voice(source, at, place) {
    const level = this.context.createGain();
    const fader = this.context.createGain();
    level.gain.value = this.gainOf(source);
    fader.gain.value = 0;
    level.connect(fader).connect(this.out);
    const deck = this.deck(source);
    return { source, deck, level, fader, at, sample: Math.round(place * deck.rate), sources: new Set() };
  }

  fade(voice, time) {
    const { gain } = voice.fader;
    gain.cancelScheduledValues(time);
    gain.setValueAtTime(1, time);
    gain.linearRampToValueAtTime(0, time + RAMP_S);
    for (const source of voice.sources) source.stop(time + RAMP_S + 0.01);
    setTimeout(() => voice.fader.disconnect(), (time - this.now() + 0.2) * 1000);
  }

  // Says what sounds in the next seconds.
  tick() {
    const voice = this.voices[0];
    if (!this.playing || !voice) return;
    this.count(false);
    const rate = this.context.sampleRate;
    const { deck } = voice;
    const until = (this.now() + AHEAD_S) * rate;
    while (voice.at < until) {
      const { end, turns } = this.endOf(voice);
      if (voice.sample >= end) {
        if (!turns) return this.runOut(voice);
        this.jump(voice);
        continue;
      }
      const number = deck.pieceOf(voice.sample);
      const piece = deck.ready(number);
      deck.want(number);
      if (!piece) {
        this.bring(voice, number);
        return;
      }
      this.stretch(voice, piece, number, end);
    }
    const next = deck.pieceOf(voice.sample);
    if (next <= deck.lastPiece && !deck.ready(next) && deck.span(next)) deck.decode(next).catch(() => {});
  }

  // How far a voice goes, and whether a loop turns there. One that stands behind the loop goes to the end.
  endOf(voice) {
    const { deck } = voice;
    const turn = this.loop ? Math.min(deck.samples, Math.round(this.loop.to * deck.rate)) : -1;
    return voice.sample <= turn ? { end: turn, turns: true } : { end: deck.samples, turns: false };
  }

  jump(voice) {
    voice.sample = Math.round(this.loop.from * voice.deck.rate);
    this.mark(voice.at / this.context.sampleRate, this.loop.from);
    voice.edge = true;
  }

  // One stretch of a piece, from where the one before ended: a buffer of exactly these samples, so that no rounding of seconds makes it one too long.
  stretch(voice, piece, number, end) {
    const { deck } = voice;
    const rate = this.context.sampleRate;
    const from = voice.sample - deck.startOf(number);
    const length = Math.min(piece.length - from, end - voice.sample);
    const source = this.context.createBufferSource();
    source.buffer = cutOf(piece, from, length);
    source.connect(this.edged(voice, length, end));
    source.start(voice.at / rate);
    voice.sources.add(source);
    source.onended = () => {
      voice.sources.delete(source);
      source.disconnect();
    };
    voice.sample += length;
    voice.at += deck.rate === rate ? length : (length / deck.rate) * rate;
  }

  // Where a loop turns, both ends go through a short ramp: no click.
  edged(voice, length, end) {
    const turns = this.endOf(voice).turns && voice.sample + length >= end && end < voice.deck.samples;
    if (!voice.edge && !turns) return voice.level;
    const rate = this.context.sampleRate;
    const [from, to] = [voice.at / rate, voice.at / rate + length / voice.deck.rate];
    const ramp = this.context.createGain();
    ramp.gain.setValueAtTime(voice.edge ? 0 : 1, from);
    if (voice.edge) ramp.gain.linearRampToValueAtTime(1, from + RAMP_S);
    if (turns) {
      ramp.gain.setValueAtTime(1, Math.max(from + RAMP_S, to - RAMP_S));
      ramp.gain.linearRampToValueAtTime(0, to);
    }
    ramp.connect(voice.level);
    voice.edge = false;
    return ramp;
  }

  // A piece that is not here. Where the sound would stop before it comes, the clock is set anew when it is here.
  bring(voice, number) {
    if (this.bringing === number && this.bringer === voice) return this.late(voice);
    this.bringing = number;
    this.bringer = voice;
    const done = () => {
      if (this.bringer === voice) this.bringer = null;
      if (this.voices[0] !== voice || !this.playing) return;
      const soonest = Math.ceil((this.now() + SOON_S) * this.context.sampleRate);
      if (voice.at < soonest) {
        voice.at = soonest;
        voice.edge = true;
        this.mark(soonest / this.context.sampleRate, voice.sample / voice.deck.rate);
      }
      this.stalled = false;
      this.tick();
      this.tell();
    };
    voice.deck.piece(number).then(done, (error) => this.voices[0] === voice && this.fail(error));
    this.late(voice);
  }

  late(voice) {
    const late = voice.at / this.context.sampleRate < this.now();
    if (late === this.stalled) return;
    this.stalled = late;
    this.stalledAt = voice.sample / voice.deck.rate;
    this.tell();
  }

  runOut(voice) {
    if (voice.ending) return;
    voice.ending = true;
    const left = voice.at / this.context.sampleRate - this.now();
    setTimeout(() => {
      if (this.voices[0] !== voice || !this.playing) return;
      const next = this.onEnd?.();
      if (next) return;
      this.pause();
      this.rest = 0;
      this.tell();
    }, Math.max(0, left * 1000));
  }

  // What was played since it was last told.
  count(all) {
    if (!this.playing || this.stalled) return;
    const place = this.position;
    const told = this.told;
    const same = told && told.source === this.current && place >= told.to - 0.001 && place - told.to < 1;
    if (same) told.to = place;
    if (same && !all && told.to - told.from < HEARD_EVERY_S) return;
    if (told && told.to - told.from > 0.25) this.heard(told.source, [{ start_ms: Math.floor(told.from * 1000), end_ms: Math.floor(told.to * 1000) }]);
    this.told = { source: this.current, from: same && !all ? told.to : place, to: place };
    if (all) this.told = null;
  }

  fail(error) {
    this.pause();
    this.error = error;
    this.tell();
  }

  // Files that are not listened to any more.
  keepOnly(keys) {
    for (const [key, deck] of this.decks) {
      if (keys.has(key) || key === this.current?.key) continue;
      deck.close();
      this.decks.delete(key);
    }
  }

  close() {
    this.pause();
    for (const deck of this.decks.values()) deck.close();
    this.decks.clear();
    this.context?.close();
    this.context = null;
  }
}

export function cutOf(piece, from, length) {
  if (from === 0 && length === piece.length) return piece;
  const cut = new AudioBuffer({ length, numberOfChannels: piece.numberOfChannels, sampleRate: piece.sampleRate });
  for (let channel = 0; channel < piece.numberOfChannels; channel++) cut.copyToChannel(piece.getChannelData(channel).subarray(from, from + length), channel);
  return cut;
}

// How much each file is turned down or up. `files`: { key, lufs, peak }; `mode`: "matched" (all as loud as the quietest), "as-is", or a service of the table.
export function gainsOf(files, mode, platforms = []) {
  const gains = new Map();
  const heard = files.filter((file) => Number.isFinite(file.lufs) && file.lufs > -70);
  const quietest = Math.min(...heard.map((file) => file.lufs));
  const platform = platforms.find((one) => one.name === mode);
  for (const file of files) {
    let gain = 0;
    if (!heard.includes(file) || mode === "as-is") gain = 0;
    else if (platform) gain = platformGain(platform, file);
    else gain = quietest - file.lufs;
    gains.set(file.key, Number.isFinite(gain) ? gain : 0);
  }
  return gains;
}

function platformGain(platform, file) {
  if (platform.target_lufs === undefined) return 0;
  const gain = platform.target_lufs - file.lufs;
  if (gain <= 0) return gain;
  // Only some services turn quiet music up, and not over this peak.
  return platform.up_to_dbtp === undefined ? 0 : Math.max(0, Math.min(gain, platform.up_to_dbtp - file.peak));
}
