// Notes that were written while the line was cut: kept with their command id, sent when it is back, each once. Never here: anything but notes; a decision is made with the
// studio in sight or not at all.

import { Backoff, Refusal, newId, sleep } from './net.js';

const PLACE = "deadwax.unsent.";

export class Outbox {
  constructor(net, person, { changed, refused, storage = globalThis.localStorage }) {
    this.net = net;
    this.place = PLACE + person;
    this.tell = { changed, refused };
    this.storage = storage;
    this.items = this.read();
    this.running = false;
    this.nudge = () => {};
  }

  // Each note lies by itself, so that two tabs of one person do not write over each other.
  read() {
    try {
      const mine = [...Array(this.storage.length).keys()].map((at) => this.storage.key(at)).filter((key) => key.startsWith(`${this.place}.`));
      const items = mine.map((key) => JSON.parse(this.storage.getItem(key) ?? "null"));
      return items.filter((item) => item?.command_id && item.project_id && item.note?.text).sort((a, b) => a.at_ms - b.at_ms);
    } catch {
      return [];
    }
  }
  write(item) {
    try {
      this.storage.setItem(`${this.place}.${item.command_id}`, JSON.stringify(item));
    } catch { /* kept for as long as the page is open */ }
  }
  // Of another person, or of nobody any more: what waits stays where it is, and is sent by whoever wrote it.
  stop() {
    this.stopped = true;
    this.nudge();
  }

  of(song) {
    return this.items.filter((item) => item.song_id === song);
  }

  // Answers when the studio has it, or at once where it cannot be reached.
  async add(projectId, songId, note) {
    const item = { command_id: newId(), project_id: projectId, song_id: songId, note: { note_id: newId(), ...note }, at_ms: Date.now() };
    this.items.push(item);
    this.write(item);
    try {
      await this.send(item);
      return { sent: true, note_id: item.note.note_id };
    } catch (error) {
      if (!(error instanceof Refusal && error.passing)) {
        this.drop(item);
        throw error;
      }
      this.tell.changed();
      this.run();
      return { sent: false, note_id: item.note.note_id };
    }
  }

  async send(item) {
    const { command_id, project_id, note } = item;
    await this.net.call("Projects.Perform", { command_id, project_id, action: { add_note: note } });
    this.drop(item);
  }

  drop(item) {
    this.items = this.items.filter((one) => one !== item);
    try {
      this.storage.removeItem(`${this.place}.${item.command_id}`);
    } catch { /* it was not kept either */ }
    this.tell.changed();
  }

  hurry() {
    this.nudge();
    this.run();
  }

  async run() {
    if (this.running) return;
    this.running = true;
    const backoff = new Backoff();
    while (this.items.length && !this.stopped) {
      const [item] = this.items;
      try {
        await this.send(item);
        backoff.reset();
      } catch (error) {
        if (error instanceof Refusal && !error.passing) {
          // Signed out: it waits for the next session. Anything else goes back to whoever wrote it.
          if (error.code === 16) break;
          // Whoever wrote it may have been told already.
          const here = this.items.includes(item);
          this.drop(item);
          if (here) this.tell.refused(item, error);
          continue;
        }
        await Promise.race([sleep(backoff.next()), new Promise((done) => (this.nudge = done))]);
      }
    }
    this.running = false;
  }
}
