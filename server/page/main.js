// The page begins: takes a code or a secret out of the address at once, finds out who is here, and shows what the address names. Never here: what rooms show.

import { gateway } from './gateway.js';
import { dialog, h, icon, mark, put, text } from './dom.js';
import { Home } from './home.js';
import { Net, Refusal, newId } from './net.js';
import { Outbox } from './outbox.js';
import { Room } from './room.js';
import { drafts, tab } from './keep.js';
import { API, codeIn, leave, resume } from './signer.js';
import { count, day, line, list, roleName } from './words.js';

// What came with the link. It leaves the address before anything else happens, so that no history, screen or copied address has it.
export function takeArrival(place = location, past = history) {
  const way = { "/i": "invite", "/s": "link" }[place.pathname] ?? "";
  if (!way) return { way, secret: "" };
  const hash = place.hash.slice(1);
  past.replaceState(null, "", "/");
  return { way, secret: codeIn(hash) };
}

export function routeOf(hash) {
  const [, p, project, s, song, v, version] = hash.replace(/^#/, "").split("/");
  if (p !== "p" || !project) return { project: "", song: "", version: "", album: false };
  return { project, song: s === "s" ? (song ?? "") : "", version: v === "v" ? (version ?? "") : "", album: s === "album" };
}

class App {
  constructor(holder, schema, platforms) {
    this.holder = holder;
    this.platforms = platforms;
    this.net = new Net(schema);
    this.net.onEnded = (error) => this.signedOut(error);
    this.net.onLine = (stands) => this.lineStands(stands);
    this.toasts = h("div.toasts", { role: "status", "aria-live": "polite" });
    this.banner = h("div.banner", { role: "status", hidden: true });
    this.body = h("div");
    this.trailLink = h("a.trail", { href: "#/" });
    this.who = h("button.plain.who", { type: "button", "aria-haspopup": "dialog", hidden: true, onclick: () => this.account() });
    this.top = h("header.top", {}, h("a.brand", { href: "#/", "aria-label": "Deadwax, your projects" }, mark(), h("span", {}, "deadwax")), this.trailLink, h("div.room"), this.who);
    put(holder, h("a.skip", { href: "#main", onclick: (event) => {
      event.preventDefault();
      document.getElementById("main")?.focus();
    } }, "To the content"), this.top, this.banner, this.body, this.toasts);
  }

  async begin(arrival) {
    window.addEventListener("hashchange", () => this.route());
    window.addEventListener("online", () => this.hurry());
    window.addEventListener("offline", () => this.lineStands(false));
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.hurry());
    if (arrival.way) return this.gate(arrival);
    try {
      const session = await resume(this.net);
      if (session) return this.enter(session);
    } catch (error) {
      if (!(error instanceof Refusal) || error.passing) return this.wait(error);
      if (tab.read()?.guest) return this.linkEnded();
    }
    return this.gate(arrival);
  }

  // The line is cut while the page begins: the session is not thrown away for it.
  wait(error) {
    put(this.body, h("main.gateway", { id: "main" }, h("div.card", {}, h("h1", {}, "The studio cannot be reached"), h("p.soft", {}, error.text), h("button.primary", { type: "button", onclick: () => this.begin({ way: "" }) }, "Try again"))));
  }

  gate(arrival, why = null) {
    this.closeRoom();
    this.net.token = "";
    this.who.hidden = true;
    this.trail("", "#/");
    return gateway(this.body, this.net, arrival, (session) => this.enter(session), why);
  }

  enter(session) {
    this.session = session;
    this.outbox?.stop();
    this.outbox = new Outbox(this.net, session.person.person_id, { changed: () => this.room?.inner?.show(), refused: (item, error) => this.giveBack(item, error) });
    put(this.who, icon("person"), h("span.name", {}, line(session.person.name)));
    this.who.hidden = false;
    this.route();
    this.outbox.run();
    this.checkAge();
  }

  // A page that was left open while the studio was updated says so before something is misread.
  async checkAge() {
    const studio = await this.net.call("Sessions.GetServerInfo", {}).catch(() => null);
    if (!studio) return;
    if (studio.api_min > API) this.stale = true;
    if (studio.read_only) this.notice = `${line(studio.studio)} takes nothing new right now; you can listen and read.`;
    if (!this.version) this.version = studio.version;
    else if (this.version !== studio.version) this.stale = true;
    this.lineStands(this.stands ?? true);
  }

  route() {
    if (!this.session) return;
    // A guest has one place: what their link names.
    const home = this.session.guest?.project_id ?? "";
    if (home && routeOf(location.hash).project !== home) history.replaceState(null, "", `#/p/${home}`);
    const route = routeOf(location.hash);
    if (route.project && this.room instanceof Room && this.room.projectId === route.project) return this.room.go(route);
    this.closeRoom();
    this.room = route.project ? new Room(this, route.project, route) : new Home(this);
    if (!route.project) this.trail("", "#/");
    document.title = "Deadwax";
    put(this.body, this.room.element);
  }

  closeRoom() {
    this.room?.close();
    this.room = null;
  }

  trail(words, to) {
    text(this.trailLink, words);
    this.trailLink.hidden = !words;
    this.trailLink.setAttribute("href", to);
  }

  async perform(project_id, action) {
    const command_id = newId();
    for (let tries = 0; ; tries++) {
      try {
        return await this.net.call("Projects.Perform", { command_id, project_id, action });
      } catch (error) {
        // The same command id: what was done already is not done twice.
        if (!(error instanceof Refusal && error.passing) || tries >= 2) throw error;
        await new Promise((done) => setTimeout(done, 300 * (tries + 1)));
      }
    }
  }

  lineStands(stands) {
    if (this.stands === false && stands) this.checkAge();
    this.stands = stands;
    const unsent = this.outbox?.items.length ?? 0;
    const said = !stands ? `The line to the studio is cut. What you see may be old; what you write is kept${unsent ? `, ${unsent} not sent yet` : ""}.` : this.stale ? "The studio was updated. Load this page again when you are done; nothing you wrote is lost." : (this.notice ?? "");
    this.banner.hidden = !said;
    text(this.banner, said);
  }

  hurry() {
    this.room?.live?.hurry();
    this.outbox?.hurry();
  }

  signedOut(error) {
    if (!this.session) return;
    const guest = this.session.guest;
    this.outbox.stop();
    this.session = null;
    this.net.token = "";
    if (guest) return this.linkEnded();
    tab.write(null);
    this.gate({ way: "" }, new Refusal(16, "SESSION_ENDED", "Your session ended. Sign in again; what you wrote is still here.", error?.hint ?? ""));
  }

  linkEnded() {
    this.net.token = "";
    tab.write(null);
    this.closeRoom();
    this.who.hidden = true;
    this.trail("", "#/");
    put(this.body, h("main.gateway", { id: "main" }, h("div.card", {}, mark(44), h("h1", {}, "This link has ended"), h("p.soft", {}, "Whoever sent it took it back, or its time is over. Ask them for a new one."))));
  }

  // What the studio did not take lies in the box of its song again, wherever the person is by now.
  giveBack(item, error) {
    const place = `${this.session?.person.person_id}.${item.song_id}`;
    const room = this.room?.inner;
    if (room?.notes && room.songId === item.song_id) return room.notes.giveBack(item, error);
    drafts.write(place, [drafts.read(place), item.note.text].filter(Boolean).join("\n\n"));
    this.say(`A note was not taken: ${error.text} Your words lie in the box of its song again.`);
  }

  say(words) {
    const toast = h("div.toast", {}, words);
    this.toasts.append(toast);
    setTimeout(() => toast.remove(), 7000);
  }

  account() {
    const { person, guest } = this.session;
    const roles = this.room?.live?.rows.project?.your_roles ?? [];
    const address = `deadwax://${location.hostname}${location.port ? `:${location.port}` : ""}`;
    const box = dialog(line(person.name), [
      h("p.soft", {}, guest ? `You listen by a link of ${line(guest.studio)}, until ${day(guest.until_ms)}. Closing this tab ends nothing: the same link goes on here.` : [line(person.email), roles.length ? `here as ${list(roles.map(roleName))}` : ""].filter(Boolean).join(", ")),
      !guest && h("div.field", {}, h("h3", {}, "At a desk? Use the terminal"), h("p.small.soft", {}, "The terminal client uploads, measures and signs. With a checkout of Deadwax and Rust, one line installs it and signs you in with an invite of your own for a further machine:"),
        h("code.shell.print", { tabindex: "0" }, `cargo install --path client-tui && deadwax login ${address}`)),
      !guest && h("p.small.soft", {}, "Closing this tab is enough: your passphrase opens it again. Signing out makes this browser's key worthless; you then need a new invite link."),
      this.outbox.items.length > 0 && h("p.problem", {}, `${count(this.outbox.items.length, "note was", "notes were")} not sent yet; signing out throws them away.`),
      h("div.actions", {}, h("button", { type: "button", onclick: async () => {
        box.close();
        this.session = null;
        this.outbox.stop();
        const told = await leave(this.net, !guest).then(() => true, () => false);
        if (!told) this.say("This browser has forgotten you, but the studio could not be told. Ask an owner of it to end your access here, or sign out again later.");
        this.gate({ way: "" });
      } }, guest ? "Close this session" : "Sign out"))]);
  }
}

export function start(schema, platforms) {
  const arrival = takeArrival();
  const missing = [["fetch", "fetch"], ["ReadableStream", "streams"], ["AudioContext", "Web Audio"], ["HTMLDialogElement", "dialogs"]].filter(([name]) => !(name in globalThis)).map((it) => it[1]);
  const holder = document.getElementById("app");
  if (missing.length) {
    put(holder, h("p.bare", {}, `This browser lacks what the page needs (${missing.join(", ")}). Use a current Chrome, Edge, Firefox or Safari.`));
    return null;
  }
  const app = new App(holder, schema, platforms);
  app.begin(arrival);
  return app;
}
