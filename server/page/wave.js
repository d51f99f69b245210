// The waveform: drawn from the studio's overview, with zoom, seek, a range and its loop, notes as pins. One canvas and one element for the keyboard, which says in words
// where it stands. Never here: sound; what notes say.

import { h, put, set, text } from './dom.js';
import { clock, spoken } from './words.js';

const COLUMNS_MAX = 4096;
const SHORTEST_S = 2;

export class Wave {
  // `ask(start_frame, end_frame, columns)`: an overview; `seek(s)`; `select({from, to} | null)`; `pin(note_id)`.
  constructor({ ask, seek, select, pin }) {
    this.tell = { ask, seek, select, pin };
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.note = h("div.message", { "aria-hidden": "true", hidden: true });
    this.face = h("div.face", {
      tabindex: "0", role: "slider", "aria-label": "Place in the song", "aria-valuemin": "0", "data-focus": "wave",
      "aria-description": "Arrow keys move by one second, with Shift by ten, Home and End to the ends.",
    }, this.canvas);
    this.screen = h("div.screen", {}, this.face, this.note);
    this.pins = h("div.pins", { role: "group", "aria-label": "Notes in the song" });
    this.element = h("div", {}, this.pins, this.screen);
    this.view = { from: 0, to: 0 };
    this.length = 0;
    this.position = 0;
    this.range = null;
    this.looping = false;
    this.overviews = new Map();
    this.key = "";
    this.notes = [];
    this.sections = [];
    this.drag = null;
    this.listen();
    this.seen = new ResizeObserver(() => this.refresh());
    this.seen.observe(this.face);
  }

  close() {
    this.seen.disconnect();
    clearTimeout(this.later);
  }

  // Another file. The view stays where it is, so that what is compared stands at the same place.
  show(key, lengthS, rate) {
    if (key === this.key) return;
    this.key = key;
    this.rate = rate;
    const whole = this.view.to === 0 || this.view.to - this.view.from >= this.length - 0.01;
    this.length = lengthS;
    if (whole || this.view.to > lengthS) this.view = { from: 0, to: lengthS };
    set(this.face, { "aria-valuemax": Math.round(lengthS) });
    this.refresh();
  }

  say(message) {
    text(this.note, message);
    this.note.hidden = !message;
  }

  setNotes(notes) {
    this.notes = notes;
    this.placePins();
  }

  setPosition(seconds) {
    this.position = seconds;
    const now = Math.round(seconds);
    if (this.spokenAt !== now) {
      this.spokenAt = now;
      set(this.face, { "aria-valuenow": now, "aria-valuetext": `${spoken(seconds * 1000)} of ${spoken(this.length * 1000)}` });
    }
    this.follow();
    this.draw();
  }

  // Zoomed in, the view turns its page when the place leaves it.
  follow() {
    const wide = this.view.to - this.view.from;
    if (this.drag || wide >= this.length || (this.position >= this.view.from && this.position <= this.view.to)) return;
    if (!this.playing) return;
    this.look(this.position - wide * 0.05, wide);
  }

  look(from, wide) {
    const width = Math.min(this.length, Math.max(SHORTEST_S, wide));
    const begin = Math.max(0, Math.min(this.length - width, from));
    this.view = { from: begin, to: begin + width };
    this.refresh();
  }

  zoom(by, around = null) {
    const wide = this.view.to - this.view.from;
    const inside = this.position >= this.view.from && this.position <= this.view.to;
    const at = around ?? (inside ? this.position : (this.view.from + this.view.to) / 2);
    const width = Math.min(this.length, Math.max(SHORTEST_S, wide * by));
    this.look(at - ((at - this.view.from) / wide) * width, width);
  }

  get zoomed() {
    return this.length > 0 && this.view.to - this.view.from < this.length - 0.01;
  }

  setRange(range) {
    this.range = range;
    this.draw();
  }

  x(seconds) {
    return ((seconds - this.view.from) / (this.view.to - this.view.from)) * this.face.clientWidth;
  }
  at(x) {
    return Math.max(0, Math.min(this.length, this.view.from + (x / this.face.clientWidth) * (this.view.to - this.view.from)));
  }

  // Asks for what is in view, when it has stood still for a moment.
  refresh() {
    this.placePins();
    this.draw();
    clearTimeout(this.later);
    if (!this.key || !this.length || !this.face.clientWidth) return;
    this.later = setTimeout(() => this.fetch(), this.overviews.has(this.name()) ? 0 : 90);
  }

  columns() {
    return Math.min(COLUMNS_MAX, Math.max(64, Math.round(this.face.clientWidth * Math.min(2, devicePixelRatio || 1))));
  }
  name() {
    return `${this.key} ${this.view.from.toFixed(3)} ${this.view.to.toFixed(3)} ${this.columns()}`;
  }

  async fetch() {
    const name = this.name();
    const [key, view, columns] = [this.key, this.view, this.columns()];
    if (this.overviews.has(name)) return this.draw();
    try {
      const end = view.to >= this.length - 0.01 ? 0 : Math.round(view.to * this.rate);
      const made = await this.tell.ask(Math.round(view.from * this.rate), end, columns);
      if (this.overviews.size > 60) this.overviews.clear();
      this.overviews.set(name, shaped(made, view, columns));
      if (!this.overviews.has(`${key} whole`) && !this.zoomed) this.overviews.set(`${key} whole`, this.overviews.get(name));
      if (key === this.key) this.say("");
    } catch (error) {
      if (key === this.key && !this.overviews.has(`${key} whole`)) this.say(error.text ?? "The waveform could not be drawn.");
    }
    this.draw();
  }

  draw() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = null;
      this.paint();
    });
  }

  paint() {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [width, height] = [this.face.clientWidth, this.face.clientHeight];
    if (!width || !this.length) return;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const ink = this.canvas.getContext("2d");
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.clearRect(0, 0, width, height);
    const colour = colours(this.face);
    const body = height - 22;
    this.paintRange(ink, body, colour);
    const overview = this.overviews.get(this.name()) ?? this.overviews.get(`${this.key} whole`) ?? this.last;
    if (overview) {
      this.last = overview;
      this.paintBars(ink, overview, width, body, colour);
    }
    this.paintRuler(ink, width, body, height, colour);
    const x = Math.round(this.x(this.position)) + 0.5;
    ink.fillStyle = colour.ink;
    ink.fillRect(x - 1, 0, 2, body);
    ink.beginPath();
    ink.arc(x, 5, 5, 0, 7);
    ink.fill();
  }

  paintRange(ink, body, colour) {
    for (const note of this.notes) {
      if (note.end === null) continue;
      ink.fillStyle = colour.accent;
      ink.globalAlpha = note.settled ? 0.04 : 0.1;
      ink.fillRect(this.x(note.start), 0, this.x(note.end) - this.x(note.start), body);
    }
    ink.globalAlpha = 1;
    if (!this.range) return;
    const [a, b] = [this.x(this.range.from), this.x(this.range.to)];
    ink.fillStyle = colour.accent;
    ink.globalAlpha = 0.2;
    ink.fillRect(a, 0, b - a, body);
    ink.globalAlpha = 1;
    ink.fillRect(a - 1, 0, 2, body);
    ink.fillRect(b - 1, 0, 2, body);
    if (this.looping) ink.fillRect(a, 0, b - a, 4);
  }

  paintBars(ink, overview, width, body, colour) {
    const step = width > 700 ? 3 : 2.5;
    const bar = step - 1;
    const [middle, half] = [body / 2, body / 2 - 10];
    const from = (this.view.from - overview.from) / (overview.to - overview.from);
    const per = (this.view.to - this.view.from) / (overview.to - overview.from);
    const done = this.x(this.position);
    const count = overview.low.length;
    for (let x = 0; x < width; x += step) {
      const a = Math.floor((from + (x / width) * per) * count);
      const b = Math.max(a + 1, Math.floor((from + ((x + step) / width) * per) * count));
      if (b <= 0 || a >= count) continue;
      let [low, high, over] = [0, 0, false];
      for (let at = Math.max(0, a); at < Math.min(count, b); at++) {
        low = Math.min(low, overview.low[at]);
        high = Math.max(high, overview.high[at]);
        over ||= overview.over.has(at);
      }
      ink.fillStyle = over ? colour.bad : x + bar / 2 <= done ? colour.done : colour.wave;
      const [up, down] = [Math.max(0.75, high * half), Math.max(0.75, -low * half)];
      ink.beginPath();
      ink.roundRect(x, middle - up, bar, up + down, Math.min(1, bar / 2));
      ink.fill();
    }
  }

  paintRuler(ink, width, body, height, colour) {
    const wide = this.view.to - this.view.from;
    const step = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((one) => (one / wide) * width >= 64) ?? 1200;
    ink.fillStyle = colour.faint;
    ink.font = `11px ${colour.font}`;
    ink.textBaseline = "middle";
    for (let at = Math.ceil(this.view.from / step) * step; at <= this.view.to; at += step) {
      const x = this.x(at);
      ink.globalAlpha = 0.5;
      ink.fillRect(Math.round(x), body, 1, 5);
      ink.globalAlpha = 1;
      if (x < width - 26) ink.fillText(clock(at * 1000, step < 1), x + 4, height - 9);
    }
    ink.fillStyle = colour.cool;
    for (const section of this.sections) {
      const x = this.x(section.start);
      if (x < -120 || x > width) continue;
      ink.globalAlpha = 0.55;
      ink.fillRect(Math.round(x), 0, 1, body);
      ink.globalAlpha = 1;
      ink.fillText(section.name, x + 5, body - 9);
    }
  }

  placePins() {
    const width = this.face.clientWidth;
    if (!width) return;
    const focus = document.activeElement?.dataset?.focus;
    put(this.pins, this.notes.map((note, index) => {
      const x = this.x(note.start);
      if (x < -1 || x > width + 1) return null;
      const pin = h(note.end === null ? "button" : "button.span", {
        type: "button", "data-focus": `pin-${note.id}`, "aria-label": `Note ${index + 1} at ${spoken(note.start * 1000)}, by ${note.by}`, onclick: () => this.tell.pin(note.id),
      }, String(index + 1));
      pin.classList.toggle("settled", note.settled);
      pin.style.left = `${Math.max(13, Math.min(width - 13, x))}px`;
      return pin;
    }));
    if (focus?.startsWith("pin-")) this.pins.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }

  listen() {
    const place = (event) => this.at(event.clientX - this.face.getBoundingClientRect().left);
    this.face.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.drag = { from: place(event), x: event.clientX, moved: false, id: event.pointerId };
      if (event.pointerType !== "touch") this.face.setPointerCapture(event.pointerId);
    });
    this.face.addEventListener("pointermove", (event) => {
      if (!this.drag || event.pointerId !== this.drag.id) return;
      if (Math.abs(event.clientX - this.drag.x) > 5) this.drag.moved = true;
      if (!this.drag.moved) return;
      const to = place(event);
      this.setRange({ from: Math.min(this.drag.from, to), to: Math.max(this.drag.from, to) });
    });
    this.face.addEventListener("pointerup", (event) => {
      const drag = this.drag;
      this.drag = null;
      if (!drag) return;
      if (drag.moved && this.range && this.range.to - this.range.from >= 0.1) this.tell.select(this.range);
      else this.tell.seek(place(event));
    });
    this.face.addEventListener("pointercancel", () => (this.drag = null));
    this.face.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, place(event));
    }, { passive: false });
    this.face.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = event.shiftKey ? 10 : 1;
      const to = { ArrowLeft: this.position - step, ArrowRight: this.position + step, ArrowDown: this.position - step, ArrowUp: this.position + step,
        PageDown: this.position - 10, PageUp: this.position + 10, Home: 0, End: this.length }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.tell.seek(Math.max(0, Math.min(this.length, to)));
    });
  }
}

// All channels in one, as parts of full scale.
export function shaped(made, view, columns) {
  const [low, high] = [new Float32Array(columns), new Float32Array(columns)];
  const channels = Math.max(1, made.channels);
  for (let column = 0; column < columns; column++) {
    for (let channel = 0; channel < channels; channel++) {
      low[column] = Math.min(low[column], (made.min[column * channels + channel] ?? 0) / 32767);
      high[column] = Math.max(high[column], (made.max[column * channels + channel] ?? 0) / 32767);
    }
  }
  return { low, high, over: new Set([...made.over_columns, ...made.clipped_columns]), from: view.from, to: view.to };
}

let kept = null;
function colours(element) {
  const light = matchMedia("(prefers-color-scheme: light)").matches;
  if (kept?.light !== light) {
    const style = getComputedStyle(element);
    const of = (name) => style.getPropertyValue(name).trim();
    kept = { light, ink: of("--ink"), wave: of("--wave"), done: of("--wave-done"), accent: of("--accent"), faint: of("--faint"), bad: of("--bad"), cool: of("--cool"), font: style.fontFamily };
  }
  return kept;
}
