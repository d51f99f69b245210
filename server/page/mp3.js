// Where the sound lies in a copy for listening (MP3, constant rate): frames by their number, without reading what comes before. Never here: decoding, the line.

const RATES = { 3: [44100, 48000, 32000], 2: [22050, 24000, 16000] };
const KBITS = { 3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320], 2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160] };
// What a decoder adds to the encoder's own delay (LAME, and every decoder of the same filter bank).
export const DECODER_DELAY = 529;

// A frame's head: layer III of MPEG 1 or 2; null where none stands there.
export function frameAt(bytes, at) {
  if (at + 4 > bytes.length || bytes[at] !== 255 || (bytes[at + 1] & 0xe6) !== 0xe2) return null;
  const version = (bytes[at + 1] >> 3) & 3;
  const rate = RATES[version]?.[(bytes[at + 2] >> 2) & 3];
  const kbit = KBITS[version]?.[bytes[at + 2] >> 4];
  if (!rate || !kbit) return null;
  const padding = (bytes[at + 2] >> 1) & 1;
  const samples = version === 3 ? 1152 : 576;
  return { version, rate, kbit, samples, mono: bytes[at + 3] >> 6 === 3, length: Math.floor((samples / 8) * kbit * 1000 / rate) + padding };
}

// Skips an ID3v2 tag.
function afterTag(bytes) {
  if (bytes[0] !== 73 || bytes[1] !== 68 || bytes[2] !== 51) return 0;
  return 10 + ((bytes[6] & 127) << 21) + ((bytes[7] & 127) << 14) + ((bytes[8] & 127) << 7) + (bytes[9] & 127);
}

// What the beginning of a copy tells: `start` is where the frames with sound begin, `delay` how many samples a decoder gives before the music, `samples` how long the music is.
export function readHead(bytes, total) {
  const tag = afterTag(bytes);
  const first = frameAt(bytes, tag);
  if (!first) return null;
  const info = tag + 4 + (first.version === 3 ? (first.mono ? 17 : 32) : first.mono ? 9 : 17);
  const word = String.fromCharCode(...bytes.subarray(info, info + 4));
  let [start, delay, padding] = [tag, 0, 0];
  if (word === "Info" || word === "Xing") {
    start = tag + first.length;
    const flags = bytes[info + 7];
    const lame = info + 8 + (flags & 1 ? 4 : 0) + (flags & 2 ? 4 : 0) + (flags & 4 ? 100 : 0) + (flags & 8 ? 4 : 0);
    if (bytes[lame] !== 0) {
      delay = ((bytes[lame + 21] << 4) | (bytes[lame + 22] >> 4)) + DECODER_DELAY;
      padding = Math.max(0, (((bytes[lame + 22] & 15) << 8) | bytes[lame + 23]) - DECODER_DELAY);
    }
  }
  const sound = frameAt(bytes, start);
  if (!sound) return null;
  // Frames of a constant rate have this length on average; one byte of padding keeps them to it.
  const exact = (sound.samples / 8) * sound.kbit * 1000 / sound.rate;
  const frames = Math.round((total - start) / exact);
  return { ...sound, start, delay, exact, frames, total, music: Math.max(0, frames * sound.samples - delay - padding) };
}

// Where the frame with this number begins, in bytes that lie from `base` on in the file; null where it is not among them.
export function findFrame(head, number, bytes, base) {
  if (number >= head.frames) return head.total - base;
  const guess = head.start + Math.floor(number * head.exact) - base;
  for (const off of [0, 1, -1, 2, -2, 3, -3]) {
    const frame = frameAt(bytes, guess + off);
    if (!frame || frame.rate !== head.rate || frame.kbit !== head.kbit || frame.version !== head.version) continue;
    // Four bytes of sound can look like a head; the next head must stand where this one says.
    const next = guess + off + frame.length;
    if (next + 4 > bytes.length || frameAt(bytes, next)) return guess + off;
  }
  return null;
}
