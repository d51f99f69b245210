// What waits on somebody, and the projects that they are in. Never here: rules; the order is the studio's.

import { h, keyed, put } from './dom.js';
import { isFinal } from './live.js';
import { Backoff, sleep } from './net.js';
import { count, day, line, list, roleName, when } from './words.js';

export class Home {
  constructor(app) {
    this.app = app;
    this.stopped = new AbortController();
    this.waits = h("div.waits");
    this.tiles = h("div.tiles");
    this.waiting = h("section.stack", { "aria-labelledby": "waits", hidden: true }, h("h2", { id: "waits" }, "Waits on you"), this.waits);
    this.element = h("main.home", { id: "main", tabindex: "-1" },
      h("div.stack", {}, h("h1", {}, `Hello, ${line(app.session.person.name).split(" ")[0]}`)), this.waiting,
      h("section.stack", { "aria-labelledby": "projects" }, h("h2", { id: "projects" }, "Projects"), this.tiles));
    this.begin();
  }

  close() {
    this.stopped.abort();
  }

  async begin() {
    const backoff = new Backoff();
    const { signal } = this.stopped;
    while (!signal.aborted) {
      try {
        for await (const { rows } of this.app.net.stream("Projects.WatchDesk", {}, signal)) {
          backoff.reset();
          this.show(rows);
          await this.list(signal);
        }
      } catch (error) {
        if (signal.aborted || isFinal(error)) return;
      }
      await sleep(backoff.next(), signal).catch(() => {});
    }
  }

  async list(signal) {
    const { projects } = await this.app.net.call("Projects.List", {}, signal);
    projects.sort((a, b) => b.changed_ms - a.changed_ms);
    if (projects.length === 0) put(this.tiles, h("p.soft", {}, "You are in no project yet. Somebody in the studio has to add you to one."));
    else {
      keyed(this.tiles, projects, (it) => it.project_id, (it) => JSON.stringify(it), (it) => h("a.tile", { href: `#/p/${it.project_id}` },
        h("span.serif", {}, line(it.title)), h("span.soft", {}, line(it.artist)),
        h("span.small.soft", {}, `${count(it.songs, "song", "songs")}${it.songs_delivered ? `, ${it.songs_delivered} delivered` : ""} \u00b7 ${list(it.your_roles.map(roleName))}`),
        h("span.small.faint", {}, it.changed_ms ? `Changed ${when(it.changed_ms)}` : "")));
    }
  }

  show(rows) {
    this.waiting.hidden = rows.length === 0;
    keyed(this.waits, rows, (row) => row.key, (row) => JSON.stringify(row), (row) => h("a", { href: `#/p/${row.project_id}${row.song_id ? `/s/${row.song_id}` : ""}` },
      h("span.what", {}, line(row.text)), h("span.small.soft", {}, [line(row.song_title), line(row.project_title)].filter(Boolean).join(" \u00b7 ")),
      row.due_ms > 0 && h("span.pill.live", {}, `due ${day(row.due_ms)}`)));
  }
}
