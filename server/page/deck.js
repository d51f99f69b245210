// One file to listen to: its copy fetched as it is needed, from wherever it is needed, and decoded in pieces of whole frames that fit together to the sample. Never here:
// when a piece sounds.
//
// A piece is decoded with some frames before it (the bit reservoir and the overlap of the filter bank reach back), and what they gave is cut off again from the front;
// what is kept is counted from the end, so that a decoder which swallows the first frame does no harm.

import { Backoff, Refusal, sleep } from './net.js';
import { isFinal } from './live.js';
import { findFrame, readHead } from './mp3.js';

export const PIECE_FRAMES = 64;
const BEFORE_FRAMES = 4;
// How much is asked for at a time: a line that is slow has the first piece soon, one that is fast is not asked too often.
const HEAD_BYTES = 96 << 10;
const PART_BYTES = 512 << 10;
// Decoded pieces kept, about two minutes of them.
// Decoded sound is forty times the file: a phone holds a minute of each of several files, not all of them.
const KEPT_PIECES = 24;
const AHEAD_S = 60;

export class Deck {
  // `source`: { key, project_id, version_id, sha256 }
  constructor(net, source, tell) {
    this.net = net;
    this.source = source;
    this.tell = tell;
    this.head = null;
    this.bytes = null;
    this.have = [];
    this.pieces = new Map();
    this.waiting = new Map();
    this.wanted = 0;
    this.error = null;
    this.stopped = new AbortController();
    this.loading = null;
    this.wake = () => {};
  }

  close() {
    this.stopped.abort();
    this.pieces.clear();
    this.bytes = null;
  }

  get rate() {
    return this.head?.rate ?? 0;
  }
  // Samples of music.
  get samples() {
    return this.head?.music ?? 0;
  }
  get pieceSamples() {
    return PIECE_FRAMES * this.head.samples;
  }
  // Which piece holds a sample of the music.
  pieceOf(sample) {
    return Math.max(0, Math.floor((sample + this.head.delay) / this.pieceSamples));
  }
  // The first sample of the music that a piece holds; below 0 for the first.
  startOf(piece) {
    return piece * this.pieceSamples - this.head.delay;
  }
  get lastPiece() {
    return Math.ceil(this.head.frames / PIECE_FRAMES) - 1;
  }

  // Begins to fetch, so that a piece is there when it is wanted. Told again it moves to where it is wanted now.
  want(piece) {
    this.wanted = Math.max(0, piece);
    this.loading ??= this.load().finally(() => (this.loading = null));
    this.wake();
  }

  ready(piece) {
    const found = this.pieces.get(piece);
    if (found) {
      // The newest used stays longest.
      this.pieces.delete(piece);
      this.pieces.set(piece, found);
    }
    return found ?? null;
  }

  // The piece, when it is there.
  async piece(number) {
    if (!this.head) {
      this.want(number);
      await this.begun();
    }
    const at = Math.min(number, this.lastPiece);
    for (;;) {
      const found = this.ready(at);
      if (found) return found;
      if (this.error) throw this.error;
      if (this.stopped.signal.aborted) throw this.stopped.signal.reason;
      if (this.span(at)) await this.decode(at);
      else {
        this.want(at);
        // All that there is lies here, and still no frame: not a file of this form.
        if (!this.next()) throw (this.error = notDecoded());
        await this.more();
      }
    }
  }

  async begun() {
    while (!this.head) {
      if (this.error) throw this.error;
      if (this.stopped.signal.aborted) throw this.stopped.signal.reason;
      await this.more();
    }
  }

  // Resolves when something came, or an end did.
  more() {
    return new Promise((done) => {
      const before = this.arrived;
      this.arrived = () => {
        before?.();
        done();
      };
      if (this.error || this.stopped.signal.aborted) this.came();
    });
  }
  came() {
    const told = this.arrived;
    this.arrived = null;
    told?.();
    this.tell?.();
  }

  holds(from, to) {
    return this.have.some(([a, b]) => a <= from && b >= to);
  }
  add(from, to) {
    const near = this.have.filter(([a, b]) => a <= to && b >= from);
    const rest = this.have.filter(([a, b]) => !(a <= to && b >= from));
    this.have = [...rest, [Math.min(from, ...near.map((it) => it[0])), Math.max(to, ...near.map((it) => it[1]))]].sort((a, b) => a[0] - b[0]);
  }

  // The bytes around a piece, where they are here: [frame that begins them, from, to].
  span(piece) {
    if (!this.head || !this.bytes) return null;
    const first = Math.max(0, piece * PIECE_FRAMES - BEFORE_FRAMES);
    const end = Math.min(this.head.frames, (piece + 1) * PIECE_FRAMES);
    const [low, high] = [this.near(first) - 4, Math.min(this.head.total, this.near(end) + 8)];
    if (!this.holds(Math.max(0, low), high)) return null;
    const from = findFrame(this.head, first, this.bytes, 0);
    const to = findFrame(this.head, end, this.bytes, 0);
    return from === null || to === null ? null : { first, from, to, end };
  }
  near(frame) {
    return this.head.start + Math.floor(frame * this.head.exact);
  }

  async decode(piece) {
    const running = this.waiting.get(piece);
    if (running) return running;
    const work = this.decoded(piece).finally(() => this.waiting.delete(piece));
    this.waiting.set(piece, work);
    return work;
  }

  async decoded(piece) {
    const { from, to, end } = this.span(piece);
    this.room ??= new OfflineAudioContext(2, 1, this.head.rate);
    let sound;
    try {
      sound = await this.room.decodeAudioData(this.bytes.slice(from, to).buffer);
    } catch {
      throw (this.error = notDecoded());
    }
    if (!this.bytes) return;
    const wanted = (end - piece * PIECE_FRAMES) * this.head.samples;
    const cut = new AudioBuffer({ length: wanted, numberOfChannels: sound.numberOfChannels, sampleRate: this.head.rate });
    const skip = sound.length - wanted;
    for (let channel = 0; channel < sound.numberOfChannels; channel++) {
      const all = sound.getChannelData(channel);
      cut.copyToChannel(skip >= 0 ? all.subarray(skip) : all, channel, Math.max(0, -skip));
    }
    this.pieces.set(piece, cut);
    for (const old of this.pieces.keys()) {
      if (this.pieces.size <= KEPT_PIECES) break;
      this.pieces.delete(old);
    }
    this.tell?.();
  }

  // The next bytes to fetch: what is wanted now, then what follows it for a while. `null`: enough is here.
  next() {
    if (!this.head) return [0, HEAD_BYTES];
    const from = Math.max(0, this.near(Math.max(0, this.wanted * PIECE_FRAMES - BEFORE_FRAMES)) - 4);
    const far = Math.min(this.head.total, from + Math.ceil(AHEAD_S * this.head.kbit * 125));
    let at = from;
    for (const [a, b] of this.have) if (a <= at && b > at) at = b;
    if (at >= far) return null;
    const gap = this.have.find(([a]) => a > at)?.[0] ?? this.head.total;
    return [at, Math.min(gap, at + (at - from < HEAD_BYTES ? HEAD_BYTES : PART_BYTES))];
  }

  async load() {
    const backoff = new Backoff();
    const { signal } = this.stopped;
    for (;;) {
      const part = this.next();
      if (!part || signal.aborted) return;
      try {
        await this.fetch(part, signal);
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return this.came();
        if (isFinal(error) || (error instanceof Refusal && !error.passing)) {
          this.error = error;
          return this.came();
        }
        this.tell?.();
        await Promise.race([sleep(backoff.next(), signal).catch(() => {}), new Promise((done) => (this.wake = done))]);
      }
    }
  }

  async fetch([from, to], signal) {
    let at = from;
    const { project_id, version_id, sha256 } = this.source;
    for await (const chunk of this.net.stream("Media.Listen", { project_id, version_id, sha256, offset: from, limit: to - from }, signal)) {
      if (chunk.total_bytes > 0) this.bytes ??= new Uint8Array(chunk.total_bytes);
      if (chunk.data.length > 0 && this.bytes) {
        const data = chunk.data.subarray(0, Math.max(0, this.bytes.length - at));
        this.bytes.set(data, at);
        this.add(from, at + data.length);
        at += data.length;
      }
      if (!this.head && this.bytes && this.holds(0, Math.min(8192, this.bytes.length))) {
        this.head = readHead(this.bytes, this.bytes.length);
        if (!this.head) throw new Refusal(3, "NOT_DECODED", "The copy for listening is not of the form that this page knows.", "Load the page again; it may be older than the studio.");
      }
      this.came();
      // Somebody went elsewhere: what is wanted there comes first.
      const next = this.head && this.next();
      if (next && (next[0] < from || next[0] > to)) return;
    }
    if (at === from) throw new Refusal(14, "UNREACHABLE", "The sound stopped on its way.", "");
  }
}

function notDecoded() {
  return new Refusal(3, "NOT_DECODED", "This browser cannot decode the sound.", "Try another browser; the terminal client plays it too.");
}
