// Listening without knowing: letters in an order of chance, all at one level, at the same place. What is which is told after the choice; where mixes compete the choice can be
// cast as a vote. Never here: what counts; a picture that gives it away.

import { dialog, h, icon, problem, put, set, text } from './dom.js';
import { may } from './rows.js';
import { gainsOf } from './player.js';
import { clock, line, roleName } from './words.js';

const LETTERS = "ABCDEFGH";

// In an order that nobody knows before.
export function shuffled(items, random = (below) => crypto.getRandomValues(new Uint32Array(1))[0] % below) {
  const mixed = [...items];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = random(at + 1);
    [mixed[at], mixed[other]] = [mixed[other], mixed[at]];
  }
  return mixed;
}

export function askBlind(song) {
  const { rows, versions } = song;
  const row = rows.song(song.songId);
  const { shootout } = row;
  const competing = shootout && !shootout.picked_version_id ? shootout.lines.map((one) => one.newest_version_id).filter(Boolean) : [];
  const proposed = competing.length > 1 ? competing : [song.versionId, versions[versions.findIndex((one) => one.version_id === song.versionId) + 1]?.version_id ?? versions[0]?.version_id];
  const boxes = versions.map((version) => [version, h("input", { type: "checkbox", checked: proposed.includes(version.version_id) })]);
  const begin = h("button.primary", { type: "button" }, "Begin");
  const chosen = () => boxes.filter(([, box]) => box.checked).map(([version]) => version);
  const check = () => (begin.disabled = chosen().length < 2 || chosen().length > LETTERS.length);
  const box = dialog("Listen blind", [
    h("p.soft", {}, "You hear them under letters, in an order of chance, all as loud as the quietest. Which is which is told when you have chosen."),
    h("fieldset", {}, h("legend", {}, "Which ones"), h("div.pick", {}, boxes.map(([version, input]) => h("label.check", {}, input, line(version.name))))),
    h("div.actions", {}, h("button", { type: "button", onclick: () => box.close() }, "Not now"), begin)]);
  for (const [, input] of boxes) input.addEventListener("change", check);
  check();
  begin.addEventListener("click", () => {
    box.close();
    listen(song, shuffled(chosen()), row);
  });
}

function listen(song, versions, row) {
  const { player } = song;
  const tracks = versions.map((version, at) => ({ letter: LETTERS[at], version, source: { ...song.source(version, version.files[0]), alternate: "main" }, facts: version.files[0].facts }));
  const matched = Math.min(...tracks.map((one) => one.facts?.integrated_lufs ?? 0).filter(Number.isFinite));
  let now = 0;
  song.blind = true;
  song.show();
  player.setGains(gainsOf(tracks.map((one) => ({ key: one.source.key, lufs: one.facts?.integrated_lufs ?? -Infinity, peak: 0 })), "matched"));
  const order = [];
  const buttons = tracks.map((track, at) => h("button", { type: "button", "aria-pressed": "false", "aria-label": `Listen to ${track.letter}`, onclick: () => hear(at) }, track.letter));
  const go = h("button.primary", { type: "button", onclick: () => player.toggle() }, icon("play"), "Play");
  const place = h("input", { type: "range", min: "0", step: "0.1", "aria-label": "Place in the song", oninput: () => player.seek(Number(place.value)) });
  const time = h("span.nums");
  const trouble = h("div", { "aria-live": "assertive" });
  const body = h("div.stack");
  const hear = (at) => {
    now = at;
    buttons.forEach((button, one) => set(button, { "aria-pressed": String(one === at) }));
    player.choose(tracks[at].source);
    if (!player.playing) player.play();
  };
  const tick = (position) => {
    place.value = String(position);
    // Of the longest of them: the length of what sounds would tell which it is.
    text(time, `${clock(position * 1000)} / ${clock(Number(place.max) * 1000)}`);
    put(go, icon(player.playing ? "pause" : "play"), player.playing ? "Pause" : "Play");
  };
  const box = dialog("Listen blind", body, { onclose: () => {
    song.ticks = [];
    song.blind = false;
    song.show();
  } });
  const ranking = h("p.soft", { "aria-live": "polite" });
  const prefer = tracks.map((track, at) => h("button.quiet", { type: "button", onclick: () => {
    if (!order.includes(at)) order.push(at);
    text(ranking, `Best first: ${order.map((one) => tracks[one].letter).join(", ")}`);
    prefer[at].disabled = true;
    if (order.length === tracks.length - 1) order.push(tracks.findIndex((_, one) => !order.includes(one)));
    if (order.length === tracks.length) done();
  } }, `${track.letter} is better`));
  const done = () => reveal(song, { tracks, order, matched, row, body, box });
  place.max = String(Math.max(...tracks.map((one) => (one.facts ? one.facts.frames / one.facts.sample_rate : 0))));
  put(body, h("div.letters", { role: "group", "aria-label": "What you hear" }, buttons), h("div.row", {}, go, place, time), trouble,
    h("fieldset", {}, h("legend", {}, "Which is better?"), h("div.row", {}, prefer), ranking));
  box.addEventListener("keydown", (event) => {
    const at = LETTERS.indexOf(event.key.toUpperCase());
    if (event.key.length === 1 && at >= 0 && at < tracks.length && !event.target.closest("textarea")) hear(at);
  });
  song.ticks = [tick];
  tick(player.position);
  hear(now);
  buttons[0].focus();
}

function reveal(song, { tracks, order, matched, row, body, box }) {
  const vote = may(row, "cast_vote");
  const reason = h("textarea", { id: "vote-reason", rows: "2", placeholder: "Why? (may stay empty)" });
  const wrong = h("div", { "aria-live": "assertive" });
  const role = song.rows.project.your_roles.find((one) => ["LABEL", "ARTIST", "PRODUCER"].includes(one));
  const cast = h("button.primary", { type: "button" }, "Cast this as your vote");
  cast.addEventListener("click", async () => {
    cast.disabled = true;
    try {
      await song.perform({ cast_vote: { song_id: song.songId, role, ranking: order.map((at) => tracks[at].version.version_id), blind: true, matched_lufs: matched, reason: reason.value.trim() } });
      box.close();
      song.app.say("Your vote is cast.");
    } catch (error) {
      put(wrong, problem(error));
      cast.disabled = false;
    }
  });
  put(body, h("p", {}, "Best first:"), h("ol.album", {}, order.map((at, place) => h("li", {}, h("span.nums", {}, `${place + 1}.`), h("span", {}, line(tracks[at].version.name)), h("span.soft", {}, `was ${tracks[at].letter}`)))),
    vote.yes && role && h("div.field", {}, h("label", { for: "vote-reason" }, `Your reason, as ${roleName(role)}`), reason), wrong,
    h("div.actions", {}, h("button", { type: "button", onclick: () => box.close() }, "Close"), vote.yes && role && cast));
}
