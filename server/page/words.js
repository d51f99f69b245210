// Words and figures for people: times, levels, sizes, roles, dates. What comes from others is scrubbed here before it is shown. Never here: elements, calls.

const ROLES = { ARTIST: "artist", PRODUCER: "producer", MIX_ENGINEER: "mix engineer", MASTERING_ENGINEER: "mastering engineer", LABEL: "label", MANAGER: "manager", LISTENER: "listener" };
const STAGES = { RECORDING: "Recording", MIXING: "Mixing", MASTERING: "Mastering", DELIVERED: "Delivered" };

export const roleName = (role) => ROLES[role] ?? "member";
export const stageName = (stage) => STAGES[stage] ?? "";

// Control characters and marks that turn the direction of text never reach the page, also where a server let them through.
export function scrub(text) {
  // eslint-disable-next-line no-control-regex
  return String(text ?? "").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g, "");
}

export function line(text) {
  return scrub(text).replace(/\s+/g, " ").trim();
}

// 83456 -> "1:23.4"
export function clock(ms, tenths = true) {
  const whole = Math.max(0, tenths ? Math.floor(ms / 100) : Math.floor(ms / 1000) * 10);
  const [minutes, seconds] = [Math.floor(whole / 600), (whole % 600) / 10];
  return `${minutes}:${tenths ? seconds.toFixed(1).padStart(4, "0") : String(Math.floor(seconds)).padStart(2, "0")}`;
}

// "1:23.4", "83.4" or "1:02:03" -> ms; null where it is no time.
export function readClock(text) {
  const found = /^\s*(?:(\d{1,2}):)?(?:(\d{1,3}):)?(\d{1,5}(?:[.,]\d{1,3})?)\s*$/.exec(text);
  if (!found) return null;
  const [, a, b, seconds] = found;
  const [hours, minutes] = b === undefined ? [0, a ?? 0] : [a, b];
  return Math.round((Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds.replace(",", "."))) * 1000);
}

// For a screen reader: "1 minute 23.4 seconds".
export function spoken(ms) {
  const tenths = Math.max(0, Math.round(ms / 100));
  const [minutes, seconds] = [Math.floor(tenths / 600), (tenths % 600) / 10];
  return minutes ? `${count(minutes, "minute", "minutes")} ${seconds} seconds` : `${seconds} seconds`;
}

export function count(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}

// With the sign that a minus has.
export function figure(value) {
  return value.toFixed(1).replace("-", "\u2212");
}

export function lufs(value) {
  return Number.isFinite(value) && value > -70 ? `${figure(value)} LUFS` : "silence";
}

export function decibels(value) {
  if (!Number.isFinite(value)) return "0.0 dB";
  return `${value > 0.049 ? "+" : value < -0.049 ? "\u2212" : ""}${Math.abs(value).toFixed(1)} dB`;
}

export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1000))} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

export function fingerprint(hex) {
  return (hex.slice(0, 16).match(/.{4}/g) ?? []).join(" ");
}

// "48 kHz 24 bit stereo WAV"
export function format(facts) {
  if (!facts) return "";
  const bits = facts.bits ? `${facts.bits} bit${facts.float ? " float" : ""}` : "";
  const channels = facts.channels === 1 ? "mono" : facts.channels === 2 ? "stereo" : `${facts.channels} channels`;
  return [`${facts.sample_rate / 1000} kHz`, bits, channels, facts.container.toUpperCase()].filter(Boolean).join(" ");
}

export function lengthMs(facts) {
  return facts && facts.sample_rate ? (facts.frames / facts.sample_rate) * 1000 : 0;
}

export function when(ms, now = Date.now()) {
  const ago = Math.max(0, now - ms);
  if (ago < 60000) return "just now";
  if (ago < 3600000) return `${Math.floor(ago / 60000)} min ago`;
  const date = new Date(ms);
  const today = new Date(now).toDateString() === date.toDateString();
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (today) return time;
  const year = date.getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
  return `${date.toLocaleDateString([], { day: "numeric", month: "short", year })}, ${time}`;
}

export function day(ms) {
  return new Date(ms).toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });
}

export function list(words, last = "and") {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}

const ALTERNATES = {
  main: "Main", instrumental: "Instrumental", "a-cappella": "A cappella", tv: "TV", clean: "Clean", "lead-vocal-only": "Lead vocal", "bgv-only": "Backing vocals",
};

export function alternateName(token) {
  const steps = /^(vocal|lead|bass|drums|bgv)-(up|down)([+-][\d.]+)?$/.exec(token);
  if (steps) return `${steps[1][0].toUpperCase()}${steps[1].slice(1)} ${steps[2]}${steps[3] ? ` ${steps[3].replace("-", "\u2212")} dB` : ""}`;
  return ALTERNATES[token] ?? line(token).replaceAll("-", " ").replace(/^./, (letter) => letter.toUpperCase());
}

// Of this browser, for the list of sessions.
export function deviceName(agent = navigator.userAgent) {
  const name = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrom(e|ium)\//.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : "Browser";
  const on = /Android/.test(agent) ? "Android" : /iPhone|iPad/.test(agent) ? "iOS" : /Mac OS X/.test(agent) ? "macOS" : /Windows/.test(agent) ? "Windows" : /Linux/.test(agent) ? "Linux" : "";
  return on ? `${name} on ${on}` : name;
}
