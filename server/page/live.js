// Rows that follow the studio: opened again after every cut from where it was, with growing waits, and telling whether the line stands. Never here: what is drawn.

import { Backoff, Refusal, sleep } from './net.js';
import { Rows } from './rows.js';

// Trying again cannot help.
export function isFinal(error) {
  return error instanceof Refusal && [5, 7, 12, 16].includes(error.code);
}

export class Live {
  constructor(net, projectId, { changed, line, ended }) {
    this.net = net;
    this.projectId = projectId;
    this.tell = { changed, line, ended };
    this.rows = new Rows();
    this.stopped = new AbortController();
    this.nudge = () => {};
    this.run();
  }

  stop() {
    this.stopped.abort();
  }

  // The line may be back (the browser says so): no reason to wait any longer.
  hurry() {
    this.nudge();
  }

  async run() {
    const backoff = new Backoff();
    const { signal } = this.stopped;
    while (!signal.aborted) {
      try {
        for await (const update of this.net.stream("Projects.Watch", { project_id: this.projectId, from: this.rows.pending ? 0 : this.rows.seq }, signal)) {
          backoff.reset();
          this.tell.line(true);
          if (this.rows.take(update) && !this.rows.pending) this.tell.changed();
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isFinal(error)) {
          this.tell.ended(error);
          return;
        }
      }
      if (signal.aborted) return;
      this.rows.pending = null;
      this.tell.line(false);
      await Promise.race([sleep(backoff.next(), signal).catch(() => {}), new Promise((done) => (this.nudge = done))]);
    }
  }
}
