// Before somebody is in: an invite, a share link, a browser that is known, or none of these. Never here: what is behind it; a passphrase is handed on and not kept.

import { h, mark, problem, put } from './dom.js';
import { Refusal } from './net.js';
import { codeIn, known, linkAgain, login, openLink, signInAgain } from './signer.js';

const NEEDS = new Set(["LINK_PASSWORD_NEEDED", "LINK_PASSWORD_WRONG"]);
// What no second try changes.
const OVER = { LINK_ENDED: "This link has ended", LINK_UNKNOWN: "This link opens nothing", LINK_USED_UP: "This link is used up" };

// `arrival`: { way: "invite" | "link" | "", secret }. Calls `entered` with the session.
export async function gateway(holder, net, arrival, entered, why = null) {
  const studio = await net.call("Sessions.GetServerInfo", {}).catch((error) => error);
  if (studio instanceof Refusal) {
    shell(holder, "The studio cannot be reached", problem(studio), h("button.primary", { type: "button", onclick: () => gateway(holder, net, arrival, entered, why) }, "Try again"));
    return;
  }
  if (arrival.way === "link") return link(holder, net, studio, arrival, entered);
  if (arrival.way === "invite" && arrival.secret) return invite(holder, net, studio, arrival, entered);
  const device = await known();
  if (device) return again(holder, net, studio, device, entered, why);
  return paste(holder, net, studio, entered, why);
}

function shell(holder, title, ...content) {
  put(holder, h("main.gateway", { id: "main", tabindex: "-1" }, h("div.card", {}, mark(44), h("h1", {}, title), content)));
}

function form(fields, say, work, after = null) {
  const wrong = h("div", { "aria-live": "assertive" });
  const button = h("button.primary", { type: "submit" }, say);
  const made = h("form", {
    novalidate: true,
    onsubmit: async (event) => {
      event.preventDefault();
      button.disabled = true;
      put(wrong);
      try {
        await work(wrong);
      } catch (error) {
        put(wrong, problem(error));
      } finally {
        button.disabled = false;
      }
    },
  }, fields, wrong, button, after);
  return made;
}

function secret(label, hint, autocomplete) {
  const input = h("input", { type: "password", id: `p${label.length}`, autocomplete, required: true, maxlength: "1024" });
  return { input, field: h("div.field", {}, h("label", { for: input.id }, label), input, hint && h("p.small.soft", {}, hint)) };
}

function invite(holder, net, studio, arrival, entered) {
  const asked = secret("Passphrase", `The one that you have, or the one that you choose now: at least 12 characters.${studio.passphrases ? "" : " It may stay empty; then every visit needs a new link."}`, "current-password");
  shell(holder, `Welcome to ${studio.studio}`,
    h("p.soft", {}, "You were invited to listen and decide. This browser gets a key of its own, which never leaves it, and the link is used up."),
    form([asked.field], "Come in", async () => entered(await login(net, arrival.secret, asked.input.value))));
  asked.input.focus();
}

async function link(holder, net, studio, arrival, entered) {
  let before = null;
  try {
    before = arrival.secret && (await linkAgain(net, arrival.secret));
  } catch (error) {
    shell(holder, "The studio cannot be reached", problem(error), h("button.primary", { type: "button", onclick: () => link(holder, net, studio, arrival, entered) }, "Try again"));
    return undefined;
  }
  if (before) return entered(before);
  const place = h("div.stack");
  let asked = null;
  const work = async () => {
    try {
      entered(await openLink(net, arrival.secret, asked?.input.value ?? ""));
    } catch (error) {
      if (NEEDS.has(error.reason) && !asked) {
        asked = secret("Password of this link", "Whoever sent you the link has it.", "off");
        put(place, asked.field);
        asked.input.focus();
        if (error.reason === "LINK_PASSWORD_NEEDED") return;
      }
      if (!OVER[error.reason]) {
        asked?.input.select();
        throw error;
      }
      shell(holder, OVER[error.reason], problem(error));
    }
  };
  if (!arrival.secret) {
    return shell(holder, studio.studio, problem(new Refusal(5, "LINK_UNKNOWN", "This link is not whole.", "Open it again from where you got it.")));
  }
  return shell(holder, studio.studio, h("p.soft", {}, "You were sent music to listen to. The link is for you; do not pass it on."), form([place], "Open", work));
}

function again(holder, net, studio, device, entered, why) {
  const asked = secret("Your passphrase", "", "current-password");
  shell(holder, `Welcome back, ${device.name}`,
    why && h("p.soft", {}, why.text),
    form([asked.field], "Sign in", async () => {
      try {
        entered(await signInAgain(net, asked.input.value));
      } catch (error) {
        if (error.reason !== "SIGN_IN_REFUSED") throw error;
        throw new Refusal(error.code, error.reason, error.text, "Was the passphrase right? If you never chose one, or this browser was signed out, you need a new invite link.");
      }
    }, h("button.plain", { type: "button", onclick: () => paste(holder, net, studio, entered, null) }, "Use an invite link instead")));
  asked.input.focus();
}

function paste(holder, net, studio, entered, why) {
  const input = h("input", { type: "text", id: "invite", autocomplete: "off", spellcheck: "false", autocapitalize: "off", placeholder: "deadwax://\u2026 or the code" });
  shell(holder, studio.studio,
    why && h("p.soft", {}, why.text),
    h("p.soft", {}, "Listen, note and approve. Open the link that you were sent, or paste it here."),
    form([h("div.field", {}, h("label", { for: "invite" }, "Invite link"), input)], "Go on", async () => {
      const code = codeIn(input.value);
      if (!code) throw new Refusal(3, "INVITE_UNKNOWN", "That is no invite link.", "It begins with deadwax:// or https:// and holds a long code.");
      if (code.startsWith("dwx_link_")) await link(holder, net, studio, { secret: code }, entered);
      else invite(holder, net, studio, { secret: code }, entered);
    }));
}
