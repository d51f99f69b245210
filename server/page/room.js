// One project: its songs beside the one that is open, the album as a whole, everything live. Never here: one song's room (`song.js`).

import { Album } from './album.js';
import { h, keyed, problem, put, text } from './dom.js';
import { Live } from './live.js';
import { Song } from './song.js';
import { line, list, roleName, stageName } from './words.js';

export class Room {
  constructor(app, projectId, route) {
    this.app = app;
    this.projectId = projectId;
    this.title = h("h2.serif");
    this.artist = h("p.soft");
    this.songs = h("ol");
    this.albumLink = h("a.button", { href: `#/p/${projectId}/album`, hidden: true }, "Listen to the record");
    this.rail = h("nav.rail", { "aria-label": "Songs" }, h("div", {}, this.title, this.artist), this.songs, this.albumLink);
    this.holder = h("div.main", {}, h("p.soft", {}, "One moment\u2026"));
    this.element = h("div.desk", {}, this.rail, this.holder);
    this.route = route;
    this.live = new Live(app.net, projectId, { changed: () => this.changed(), line: (stands) => app.lineStands(stands), ended: (error) => this.ended(error) });
  }

  close() {
    this.live.stop();
    this.inner?.close();
  }

  go(route) {
    const before = this.route;
    this.route = route;
    if (!this.live.rows.ready) return;
    if (before.song === route.song && before.album === route.album && this.inner && route.version && this.inner instanceof Song) {
      if (this.inner.versionId !== route.version) this.inner.choose(route.version);
      return;
    }
    this.open();
  }

  changed() {
    const { rows } = this.live;
    if (!rows.ready) return;
    const { project } = rows;
    text(this.title, line(project.title));
    const { guest, person } = this.app.session;
    const here = guest ? `for ${line(person.name)}, from ${line(guest.studio)}` : `you are ${list(project.your_roles.map(roleName))}`;
    text(this.artist, [line(project.artist), here].filter(Boolean).join(" \u00b7 "));
    this.app.trail(line(project.title), `#/p/${this.projectId}`);
    const songs = rows.songs();
    keyed(this.songs, songs, (it) => it.song_id, (it) => JSON.stringify([it.title, it.position, it.stage, it.waits_for, it.open_notes, this.route.song === it.song_id]), (it) => h("li", {}, h("a", {
      href: `#/p/${this.projectId}/s/${it.song_id}`, "aria-current": this.route.song === it.song_id && "page", "data-focus": `song-${it.song_id}`,
    }, h("span.number", {}, String(it.position)), h("span.title", {}, line(it.title)), h("span.state", {}, [stageName(it.stage), it.open_notes ? `${it.open_notes} open` : ""].filter(Boolean).join(" \u00b7 ")))));
    this.albumLink.hidden = !(project.spacing && songs.length > 1);
    if (!this.inner) this.open();
    else this.inner.show();
    this.app.outbox.hurry();
  }

  open() {
    this.inner?.close();
    this.inner = null;
    const songs = this.live.rows.songs();
    const narrow = matchMedia("(max-width: 860px)").matches;
    if (!this.route.song && !this.route.album && songs.length && (!narrow || songs.length === 1)) this.route = { ...this.route, song: songs[0].song_id };
    this.element.className = this.route.song || this.route.album ? "desk at-song" : "desk at-list";
    if (this.route.song && !this.live.rows.song(this.route.song)) return this.lost();
    if (this.route.album) this.inner = new Album(this.app, this);
    else if (this.route.song) this.inner = new Song(this.app, this, this.route.song, this.route.version);
    const place = this.inner?.element ?? h("div.main", {}, h("p.soft", {}, songs.length ? "Choose a song." : "No song was added yet."));
    this.element.replaceChildren(this.rail, place);
    // The list marks the one that is open.
    for (const link of this.songs.querySelectorAll("a")) {
      if (link.dataset.focus === `song-${this.route.song}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    window.scrollTo(0, 0);
  }

  lost() {
    this.inner?.close();
    this.inner = null;
    const place = h("div.main", {}, h("h1", {}, "That song is not here"), h("p.soft", {}, "It was taken away, or you may not see it."));
    this.element.replaceChildren(this.rail, place);
  }

  ended(error) {
    this.inner?.player?.pause();
    if (error.code === 16) return;
    this.inner?.close();
    this.inner = { show() {}, close() {} };
    put(this.element, h("div.main", {}, h("h1", {}, "This is not open to you any more"), problem(error), h("a.button", { href: "#/" }, "To your projects")));
  }
}
