// The room of one song: its versions side by side at the same place and level, the waveform, the notes, the gate. Never here: rules, sound itself.

import { askBlind } from './blind.js';
import { Gate } from './decide.js';
import { h, handOver, icon, keyed, problem, put, set, text } from './dom.js';
import { fetchBlob } from './fetch.js';
import { choices } from './keep.js';
import { Notes } from './notes.js';
import { Player, gainsOf } from './player.js';
import { Wave } from './wave.js';
import { alternateName, clock, decibels, figure, format, lengthMs, line, lufs, size, stageName } from './words.js';

export class Song {
  constructor(app, room, songId, versionId) {
    this.app = app;
    this.room = room;
    this.songId = songId;
    this.versionId = versionId;
    this.alternate = "main";
    this.range = null;
    this.mode = choices.read("level", "matched");
    this.blind = false;
    this.player = new Player(app.net, {
      makeContext: (rate) => new AudioContext({ sampleRate: rate, latencyHint: "playback" }), tell: () => this.drawPlayer(), heard: (source, ranges) => this.heard(source, ranges),
    });
    this.wave = new Wave({
      ask: (start_frame, end_frame, columns) => this.overview(start_frame, end_frame, columns),
      seek: (seconds) => this.player.seek(seconds), select: (range) => this.setRange(range), pin: (id) => this.pinned(id),
    });
    this.notes = new Notes(this);
    this.gate = new Gate(this);
    this.build();
    this.show();
    // Keys count wherever the keyboard is, but for where something is typed.
    this.keys = (event) => this.key(event);
    document.addEventListener("keydown", this.keys);
    this.frame();
  }

  close() {
    cancelAnimationFrame(this.framing);
    this.fetching?.abort();
    document.removeEventListener("keydown", this.keys);
    this.wave.close();
    this.player.close();
  }

  get rows() {
    return this.room.live.rows;
  }
  get version() {
    return this.rows.version(this.versionId);
  }
  get position() {
    return this.player.position;
  }
  get length() {
    return this.player.length || lengthMs(this.file()?.facts) / 1000;
  }

  build() {
    this.title = h("h1");
    this.stage = h("span.pill.live");
    this.waits = h("p.waiting");
    this.takes = h("div.takes", { role: "radiogroup", "aria-label": "Version to listen to" });
    this.alternates = h("div.alternates", { role: "radiogroup", "aria-label": "Alternate to listen to" });
    this.go = h("button.go", { type: "button", "aria-label": "Play", "data-focus": "play", onclick: () => this.player.toggle() }, icon("play", 26));
    this.now = h("span", {}, "0:00.0");
    this.of = h("span.of");
    this.loopKey = h("button.quiet", { type: "button", "aria-pressed": "false", "data-focus": "loop", onclick: () => this.toggleLoop() }, icon("loop", 18), "Loop");
    this.clear = h("button.quiet", { type: "button", hidden: true, onclick: () => this.setRange(null) }, "Clear range");
    this.level = h("select", { "aria-label": "Level", onchange: () => this.setLevel(this.level.value) }, h("option", { value: "matched" }, "Level-matched"), h("option", { value: "as-is" }, "As they are"),
      h("optgroup", { label: "As a service would" }, this.app.platforms.filter((one) => one.target_lufs !== undefined).map((one) => h("option", { value: one.name }, one.name))));
    this.level.value = this.mode;
    if (!this.level.value) this.level.value = this.mode = "matched";
    this.volume = h("input", { type: "range", min: "0", max: "1", step: "0.01", "aria-label": "Volume", oninput: () => this.setVolume() });
    this.volume.value = choices.read("volume", "1");
    this.player.setVolume(Number(this.volume.value) ** 2);
    const zoom = (by) => () => this.wave.zoom(by);
    this.blindKey = h("button.quiet", { type: "button", onclick: () => askBlind(this) }, icon("ear", 18), "Blind");
    this.back = h("a.button.only-narrow.quiet", { href: `#/p/${this.room.projectId}` }, icon("back", 18), "All songs");
    this.facts = h("div.facts");
    this.fetching = null;
    this.fetchKey = h("button.quiet", { type: "button", hidden: true, "data-focus": "fetch", onclick: () => this.fetchOriginal() }, icon("down", 18), "Download");
    this.trouble = h("div", { "aria-live": "assertive" });
    this.columns = h("div.columns", {}, this.notes.element, this.gate.element);
    this.element = h("div.main", { id: "main", tabindex: "-1", role: "main" },
      this.back,
      h("div.head", {}, h("div.grow", {}, this.title, this.waits), this.stage),
      this.takes, this.alternates,
      h("section.card.deck", { "aria-label": "Listen" }, this.wave.element,
        h("div.transport", {}, this.go, h("span.clock", {}, this.now, this.of),
          h("div.tools", {}, this.loopKey, this.clear, this.blindKey, this.level, h("button.quiet", { type: "button", "aria-label": "Zoom out", onclick: zoom(1.6) }, icon("zoomOut", 18)),
            h("button.quiet", { type: "button", "aria-label": "Zoom in", onclick: zoom(0.625) }, icon("zoomIn", 18)), h("label.row.loudness", {}, h("span.unseen", {}, "Volume"), icon("sound", 18), this.volume))),
        h("div.facts-row", {}, this.facts, this.fetchKey), this.trouble),
      this.columns);
  }

  file(version = this.version) {
    return version?.files.find((file) => file.alternate === this.alternate) ?? version?.files[0] ?? null;
  }
  source(version, file = this.file(version)) {
    return { key: `${version.version_id} ${file.sha256}`, project_id: this.room.projectId, version_id: version.version_id, sha256: file.sha256, alternate: file.alternate };
  }

  // Rows changed, or another version was chosen.
  show() {
    const song = this.rows.song(this.songId);
    if (!song) return this.room.lost();
    text(this.title, line(song.title));
    document.title = `${line(song.title)} \u2013 Deadwax`;
    text(this.stage, stageName(song.stage));
    text(this.waits, line(song.waits_for));
    const versions = this.rows.versions(this.songId).filter((one) => one.files.length);
    this.versions = versions;
    this.back.hidden = this.rows.songs().length < 2;
    this.blindKey.hidden = versions.length < 2;
    if (!this.version) this.versionId = (versions.find((one) => one.version_id === song.candidate_version_id) ?? versions[0])?.version_id ?? "";
    const { version } = this;
    const newest = versions.find((one) => !one.superseded && one.version_id === song.candidate_version_id);
    if (this.newest && newest && newest.version_id !== this.newest && this.versionId !== newest.version_id) this.app.say(`${line(newest.name)} is here. You are listening to ${line(version?.name)}.`);
    this.newest = newest?.version_id ?? this.newest;
    this.showTakes(versions, song);
    const alternates = version?.files ?? [];
    if (!alternates.some((file) => file.alternate === this.alternate)) this.alternate = alternates[0]?.alternate ?? "main";
    this.alternates.hidden = alternates.length < 2 || this.blind;
    keyed(this.alternates, alternates, (file) => file.alternate, (file) => String(file.alternate === this.alternate), (file) => h("button.quiet", {
      type: "button", role: "radio", "aria-checked": String(file.alternate === this.alternate), "data-focus": `alternate-${file.alternate}`, onclick: () => this.chooseAlternate(file.alternate),
    }, alternateName(file.alternate)));
    this.listenTo();
    this.notes.show();
    this.gate.show();
    this.columns.classList.toggle("alone", this.gate.element.hidden);
    this.showNotes();
  }

  showTakes(versions, song) {
    this.takes.hidden = this.blind;
    keyed(this.takes, versions, (it) => it.version_id, (it) => [it.version_id === this.versionId, it.name, it.superseded, it.version_id === song.candidate_version_id, this.coming === it.version_id].join(), (it) => {
      const at = versions.indexOf(it);
      const checked = it.version_id === this.versionId;
      const button = h("button", {
        type: "button", role: "radio", "aria-checked": String(checked), tabindex: checked || (!this.version && at === 0) ? "0" : "-1", "data-focus": `take-${it.version_id}`,
        onclick: () => this.choose(it.version_id), onkeydown: (event) => this.arrow(event, at),
      }, h("span", {}, line(it.name), it.version_id === song.candidate_version_id && h("span.unseen", {}, ", up for decision"), it.version_id === song.candidate_version_id && h("span", { "aria-hidden": "true" }, " \u2022")),
      h("span.level", {}, lufs(it.files[0]?.facts?.integrated_lufs)), at < 9 && h("span.key", { "aria-hidden": "true" }, String(at + 1)));
      button.classList.toggle("coming", this.coming === it.version_id);
      return button;
    });
  }

  arrow(event, at) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = this.versions[(at + step + this.versions.length) % this.versions.length];
    this.choose(next.version_id);
    this.takes.querySelector(`[data-focus="${CSS.escape(`take-${next.version_id}`)}"]`)?.focus();
  }

  choose(versionId) {
    this.versionId = versionId;
    history.replaceState(null, "", `#/p/${this.room.projectId}/s/${this.songId}/v/${versionId}`);
    this.show();
  }
  chooseAlternate(alternate) {
    this.alternate = alternate;
    this.show();
  }

  // The file that the room stands at is the one that is listened to.
  listenTo() {
    const { version } = this;
    const file = this.file();
    if (!version || !file) {
      this.wave.say("Nothing was uploaded yet.");
      this.go.disabled = true;
      return;
    }
    this.go.disabled = false;
    if (this.blind) return;
    const source = this.source(version, file);
    // What it is on its way to counts: whoever turns back while the other one still comes wants to stay.
    const toward = (this.player.pendingSource ?? this.player.current)?.key;
    if (toward !== source.key) {
      this.coming = this.player.playing ? version.version_id : null;
      this.player.choose(source).finally(() => {
        this.coming = null;
        this.showTakes(this.versions, this.rows.song(this.songId) ?? {});
      });
    }
    this.wave.sections = version.sections.map((one) => ({ start: one.start_ms / 1000, name: line(one.name) }));
    this.wave.show(source.key, lengthMs(file.facts) / 1000, file.facts?.sample_rate ?? 48000);
    this.setGains();
    this.showFacts(file);
    this.fetchKey.hidden = !file.may_fetch;
    const keys = new Set(this.versions.flatMap((one) => one.files.map((it) => this.source(one, it).key)));
    this.player.keepOnly(keys);
  }

  // The exact file, for whoever may have it. Pressed again it is left.
  async fetchOriginal() {
    if (this.fetching) return this.fetching.abort();
    const [version, file] = [this.version, this.file()];
    const stop = new AbortController();
    this.fetching = stop;
    const say = (words) => put(this.fetchKey, icon(this.fetching ? "close" : "down", 18), words);
    const { bytes } = file.facts;
    put(this.trouble);
    say("Stop");
    try {
      const of = { projectId: this.room.projectId, versionId: version.version_id };
      const told = (done) => say(`Stop \u2013 ${size(done)} of ${size(bytes)}`);
      const blob = await fetchBlob(this.app.net, of, { name: line(file.name), sha256: file.sha256, bytes }, { told, signal: stop.signal });
      handOver(blob, file.name);
    } catch (error) {
      if (!stop.signal.aborted) put(this.trouble, problem(error));
    } finally {
      this.fetching = null;
      say("Download");
    }
    return undefined;
  }

  // What is compared: everything that can be switched to, whatever is heard now, so that the level of none changes by choosing another.
  compared() {
    const files = [];
    for (const version of this.versions) {
      for (const file of version.files) files.push({ key: this.source(version, file).key, lufs: file.facts?.integrated_lufs ?? -Infinity, peak: file.facts?.true_peak_dbtp ?? 0, version, file });
    }
    return files;
  }

  setGains() {
    // Parts of a song are not turned up to the whole: they are played as loud as they lie in it.
    const files = this.compared();
    const gains = gainsOf(files.filter((one) => !/^(a-cappella|lead-vocal-only|bgv-only)$/.test(one.file.alternate)), this.mode, this.app.platforms);
    for (const one of files) if (!gains.has(one.key)) gains.set(one.key, gains.get(this.source(one.version, one.version.files[0]).key) ?? 0);
    this.player.setGains(gains);
  }
  setLevel(mode) {
    this.mode = mode;
    choices.write("level", mode);
    this.setGains();
    this.showFacts(this.file());
  }
  setVolume() {
    choices.write("volume", this.volume.value);
    this.player.setVolume(Number(this.volume.value) ** 2);
  }

  showFacts(file) {
    const { facts } = file ?? {};
    if (!facts) return put(this.facts);
    const gain = this.player.gains.get(this.player.current?.key) ?? 0;
    const said = [["Loudness", lufs(facts.integrated_lufs)], ["True peak", `${figure(facts.true_peak_dbtp)} dBTP`], ["Range", `${facts.loudness_range_lu.toFixed(1)} LU`], ["Played at", decibels(gain)]];
    put(this.facts, said.map(([name, value]) => h("span", {}, `${name} `, h("span.nums", {}, value))), h("span", {}, format(facts)));
    const platform = this.app.platforms.find((one) => one.name === this.mode);
    if (platform) this.facts.append(h("span.faint", {}, line(platform.about)));
  }

  showNotes() {
    const threads = this.rows.threads(this.songId, this.versionId).filter((it) => it.place);
    this.wave.setNotes(threads.map(({ note, place }) => ({
      id: note.note_id, start: place.start_ms / 1000, end: place.end_ms === null ? null : place.end_ms / 1000, by: line(note.author), settled: note.state === "ACCEPTED" || note.state === "DECLINED",
    })));
  }

  pinned(id) {
    this.notes.goTo(id);
    const thread = this.rows.threads(this.songId, this.versionId).find((it) => it.note.note_id === id);
    if (thread?.place) this.hear(thread.place);
  }
  hear(place) {
    this.player.seek(Math.max(0, place.start_ms / 1000));
    if (place.end_ms !== null) this.setRange({ from: place.start_ms / 1000, to: place.end_ms / 1000 }, false);
  }

  setRange(range, note = true) {
    this.range = range;
    this.wave.setRange(range);
    this.clear.hidden = !range;
    if (range && note) this.notes.setRange(range);
    if (!range && this.notes.mode === "range") this.notes.setMode("now");
    if (!range && this.looping) this.toggleLoop();
    else if (this.looping) this.player.setLoop(range);
  }

  toggleLoop() {
    this.looping = !this.looping;
    if (this.looping && !this.range) this.setRange({ from: this.position, to: Math.min(this.length, this.position + 8) }, false);
    this.wave.looping = this.looping;
    this.player.setLoop(this.looping ? this.range : null);
    set(this.loopKey, { "aria-pressed": String(this.looping) });
    this.wave.draw();
  }

  // Keys of the room, where nothing is being typed.
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]") || event.target.closest?.("textarea, input, select")) return;
    const { key } = event;
    if (key === " " && !event.target.closest?.("button, a")) this.player.toggle();
    else if (/^[1-9]$/.test(key) && this.versions[Number(key) - 1] && !this.blind) this.choose(this.versions[Number(key) - 1].version_id);
    else if (key === "n") this.notes.body.focus();
    else if (key === "l") this.toggleLoop();
    else if (key === "+" || key === "=") this.wave.zoom(0.625);
    else if (key === "-") this.wave.zoom(1.6);
    else if (key === "[" || key === "]") this.mark(key === "[");
    else return;
    event.preventDefault();
  }
  // The ends of a range by ear.
  mark(begin) {
    const at = this.position;
    const range = begin ? { from: at, to: Math.max(at + 0.5, this.range?.to ?? Math.min(this.length, at + 5)) } : { from: Math.min(this.range?.from ?? 0, Math.max(0, at - 0.5)), to: at };
    if (range.to - range.from >= 0.1) this.setRange(range);
  }

  drawPlayer() {
    const { player } = this;
    const busy = player.waiting || player.stalled;
    const playing = player.playing || player.waiting;
    if (this.shown !== playing) {
      this.shown = playing;
      put(this.go, icon(playing ? "pause" : "play", 26));
      set(this.go, { "aria-label": playing ? "Pause" : "Play" });
    }
    set(this.go, { "aria-busy": String(Boolean(busy)) });
    this.wave.playing = player.playing;
    if (this.saidError !== player.error) {
      this.saidError = player.error;
      put(this.trouble, problem(player.error));
    }
  }

  frame() {
    this.framing = requestAnimationFrame(() => this.frame());
    const { position } = this;
    if (this.at !== position) {
      this.at = position;
      text(this.now, clock(position * 1000));
      this.wave.setPosition(position);
      this.notes.tick();
      for (const tick of this.ticks ?? []) tick(position);
    }
    text(this.of, ` / ${clock(this.length * 1000)}`);
    if (this.player.playing && (this.fetched = (this.fetched ?? 0) + 1) % 30 === 0) this.ahead();
  }

  // The neighbours of what is heard are brought near, so that switching does not wait.
  ahead() {
    const at = this.versions.findIndex((one) => one.version_id === this.versionId);
    const near = [this.versions[at + 1], this.versions[at - 1]].filter(Boolean).slice(0, 2);
    const others = (this.version?.files ?? []).filter((file) => file.alternate !== this.alternate).slice(0, 2);
    const deck = this.player.decks.get(this.player.current?.key);
    if (!deck?.head || deck.next()) return;
    this.player.prefetch([...near.map((one) => this.source(one)), ...others.map((file) => this.source(this.version, file))]);
  }

  async overview(start_frame, end_frame, columns) {
    const { version_id, sha256 } = this.source(this.version);
    return this.app.net.call("Media.Waveform", { project_id: this.room.projectId, version_id, sha256, start_frame, end_frame, columns });
  }

  heard(source, ranges) {
    const alternate = source.alternate === "main" ? "" : source.alternate;
    this.app.net.call("Media.ReportHeard", { project_id: source.project_id, version_id: source.version_id, alternate, ranges }).catch(() => {});
  }

  perform(action) {
    return this.app.perform(this.room.projectId, action);
  }
}
