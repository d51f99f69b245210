// Calls to the server of this page: gRPC-web over fetch, messages as they come, refusals with their reason, sentence and next step. The token is held here and in the
// session storage of this tab, and goes to this server alone. Never here: what is asked and why; a cookie; another host.

import { codecOf } from './codec.js';

const STATUS_TYPE = "Status";
// What stands around a refusal (google.rpc), which is not part of the contract's own files.
const RPC = {
  messages: {
    Status: [[1, "code", "i", 0], [2, "message", "s", 0], [3, "details", "m", 1, "Any"]],
    Any: [[1, "type_url", "s", 0], [2, "value", "y", 0]],
    ErrorInfo: [[1, "reason", "s", 0], [2, "domain", "s", 0], [3, "metadata", "m", 1, "Pair"]],
    Pair: [[1, "key", "s", 0], [2, "value", "s", 0]],
  },
  enums: {},
};
const rpc = codecOf(RPC);
const MESSAGE_BYTES_MAX = 64 << 20;
// Longer than the server's heartbeat: a line that is silent for so long is as good as cut.
export const SILENCE_MS = 45000;

// A "no", or a line that does not hold. `reason` is stable, `text` is a sentence for a person, `hint` the next step.
export class Refusal extends Error {
  constructor(code, reason, text, hint = "", more = {}) {
    super(text);
    this.name = "Refusal";
    this.code = code;
    this.reason = reason;
    this.text = text;
    this.hint = hint;
    this.more = more;
  }
  // Trying again may help.
  get passing() {
    return this.code === 14 || this.reason === "UNREACHABLE" || this.reason === "TOO_MANY_CALLS";
  }
}

export function unreachable() {
  return new Refusal(14, "UNREACHABLE", "The studio cannot be reached.", "Nothing you wrote is lost; it is tried again by itself.");
}

export class Net {
  constructor(schema, base = "") {
    this.schema = schema;
    this.codec = codecOf(schema);
    this.base = base;
    this.token = "";
    // Told of every answer and of every line that broke.
    this.onLine = () => {};
    // Told when the session is over.
    this.onEnded = () => {};
  }

  method(name) {
    const [service, method] = name.split(".");
    const found = this.schema.services[service]?.[method];
    if (!found) throw new Refusal(12, "UNIMPLEMENTED", "This studio does not offer that.", "Ask for a newer server.");
    return { path: `/deadwax.v1.${service}/${method}`, asks: found[0], answers: found[1] };
  }

  // One answer.
  async call(name, message = {}, signal = undefined) {
    for (let tries = 0; ; tries++) {
      try {
        let answer = null;
        for await (const one of this.stream(name, message, signal)) answer = one;
        if (answer === null) throw unreachable();
        return answer;
      } catch (error) {
        const wait = error instanceof Refusal && error.reason === "TOO_MANY_CALLS" ? Number(error.more.retry_after_ms) : NaN;
        if (!(wait >= 0) || tries >= 4) throw error;
        await sleep(Math.min(wait, 10000) + 20, signal);
      }
    }
  }

  // Answers as they come. Aborted by the signal it ends with AbortError.
  async *stream(name, message = {}, signal = undefined) {
    const { path, asks, answers } = this.method(name);
    const quiet = new AbortController();
    const give_up = () => quiet.abort(signal.reason);
    if (signal?.aborted) throw signal.reason;
    signal?.addEventListener("abort", give_up);
    let reader = null;
    try {
      const reply = await this.open(path, asks, message, quiet, signal);
      const head = reply.headers.get("grpc-status");
      if (head !== null && head !== "0") throw refusalOf(Number(head), reply.headers.get("grpc-message"), reply.headers.get("grpc-status-details-bin"));
      if (!reply.ok || !reply.body) throw unreachable();
      reader = reply.body.getReader();
      for await (const frame of frames(reader, quiet, signal)) {
        if (frame.trailer) {
          const trailer = headers(frame.bytes);
          const code = Number(trailer.get("grpc-status") ?? 2);
          if (code !== 0) throw refusalOf(code, trailer.get("grpc-message"), trailer.get("grpc-status-details-bin"));
          this.onLine(true);
          return;
        }
        this.onLine(true);
        yield this.codec.decode(answers, frame.bytes);
      }
      if (head !== "0") throw unreachable();
    } catch (error) {
      if (error instanceof Refusal && error.reason === "UNREACHABLE") this.onLine(false);
      if (error instanceof Refusal && error.reason === "SESSION_ENDED" && this.token) this.onEnded(error);
      throw error;
    } finally {
      signal?.removeEventListener("abort", give_up);
      // Whoever stops listening hangs up: the server must not go on sending.
      if (!quiet.signal.aborted) quiet.abort();
      if (reader) reader.cancel().catch(() => {});
    }
  }

  async open(path, asks, message, quiet, asked) {
    const body = this.codec.encode(asks, message);
    const framed = new Uint8Array(5 + body.length);
    new DataView(framed.buffer).setUint32(1, body.length);
    framed.set(body, 5);
    const head = { "content-type": "application/grpc-web+proto", "x-grpc-web": "1" };
    if (this.token) head.authorization = `Bearer ${this.token}`;
    // A line that swallows everything is one that is cut. The studio may take a while over a copy to listen to: then it says nothing until that is made.
    const timer = setTimeout(() => quiet.abort(), path.endsWith("/Listen") ? 4 * SILENCE_MS : SILENCE_MS);
    try {
      return await fetch(this.base + path, {
        method: "POST", headers: head, body: framed, signal: quiet.signal, credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer",
      });
    } catch (error) {
      if (asked?.aborted) throw asked.reason;
      throw unreachable();
    } finally {
      clearTimeout(timer);
    }
  }
}

export function sleep(ms, signal = undefined) {
  return new Promise((done, failed) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      failed(signal.reason);
    }, { once: true });
  });
}

// Growing waits with chance in them, so that a studio that comes back is not run over.
export class Backoff {
  constructor(chance = Math.random) {
    this.tries = 0;
    this.chance = chance;
  }
  reset() {
    this.tries = 0;
  }
  next() {
    const longest = Math.min(15000, 400 * 2 ** this.tries++);
    return longest / 2 + (longest / 2) * this.chance();
  }
}

export async function* frames(reader, quiet, signal = undefined) {
  let held = new Uint8Array(0);
  for (;;) {
    const timer = setTimeout(() => quiet.abort(), SILENCE_MS);
    let read;
    try {
      read = await reader.read();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw unreachable();
    } finally {
      clearTimeout(timer);
    }
    if (read.done) {
      if (held.length > 0) throw unreachable();
      return;
    }
    held = held.length === 0 ? read.value : joined(held, read.value);
    let at = 0;
    while (held.length - at >= 5) {
      const length = new DataView(held.buffer, held.byteOffset + at + 1, 4).getUint32(0);
      if (length > MESSAGE_BYTES_MAX) throw new Refusal(13, "ODD", "The studio sent something that is no answer.", "Load the page again.");
      if (held.length - at - 5 < length) break;
      const bytes = held.subarray(at + 5, at + 5 + length);
      yield { trailer: (held[at] & 128) !== 0, bytes };
      at += 5 + length;
    }
    held = held.subarray(at);
  }
}

export function joined(a, b) {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function headers(bytes) {
  const found = new Map();
  for (const line of new TextDecoder().decode(bytes).split("\r\n")) {
    const at = line.indexOf(":");
    if (at > 0) found.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim());
  }
  return found;
}

export function refusalOf(code, message, details) {
  let said = "The studio refused.";
  try {
    if (message) said = decodeURIComponent(message);
  } catch { said = message; }
  const info = details ? infoOf(details) : null;
  const more = Object.fromEntries((info?.metadata ?? []).map((pair) => [pair.key, pair.value]));
  return new Refusal(code, info?.reason ?? `CODE_${code}`, said, more.hint ?? "", more);
}

function infoOf(details) {
  try {
    const bytes = Uint8Array.from(atob(details.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
    const any = rpc.decode(STATUS_TYPE, bytes).details.find((one) => one.type_url.endsWith("/google.rpc.ErrorInfo"));
    return any ? rpc.decode("ErrorInfo", any.value) : null;
  } catch {
    return null;
  }
}

// A UUID of version 7: ids of new things and of commands, ordered by time.
export function newId(now = Date.now(), random = crypto.getRandomValues(new Uint8Array(16))) {
  const bytes = random.slice();
  for (let at = 0; at < 6; at++) bytes[at] = Math.floor(now / 2 ** (8 * (5 - at))) % 256;
  bytes[6] = (bytes[6] & 15) | 112;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
