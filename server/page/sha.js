// SHA-256 of what comes in pieces: files of any length in the memory of one piece. WebCrypto wants the whole at once. Never here: what is hashed.

const K = new Uint32Array(64);
const START = new Uint32Array(8);
{
  // The first 32 bits of the fractions of roots of primes (FIPS 180-4, 4.2.2 and 5.3.3), computed exactly with whole numbers.
  const root = (n, power) => {
    let low = 0n;
    let high = BigInt(n) << 64n;
    while (low < high) {
      const middle = (low + high + 1n) / 2n;
      if (middle ** BigInt(power) <= BigInt(n) << BigInt(32 * power)) low = middle;
      else high = middle - 1n;
    }
    return Number(low & 0xffffffffn);
  };
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  primes.forEach((p, at) => (K[at] = root(p, 3)));
  primes.slice(0, 8).forEach((p, at) => (START[at] = root(p, 2)));
}

export class Sha256 {
  constructor() {
    this.state = START.slice();
    this.block = new Uint8Array(64);
    this.held = 0;
    this.length = 0;
    this.words = new Uint32Array(64);
  }
  push(bytes) {
    this.length += bytes.length;
    let at = 0;
    if (this.held > 0) {
      at = Math.min(64 - this.held, bytes.length);
      this.block.set(bytes.subarray(0, at), this.held);
      this.held += at;
      if (this.held < 64) return this;
      this.turn(this.block, 0);
      this.held = 0;
    }
    for (; at + 64 <= bytes.length; at += 64) this.turn(bytes, at);
    this.block.set(bytes.subarray(at));
    this.held = bytes.length - at;
    return this;
  }
  turn(bytes, from) {
    const w = this.words;
    for (let i = 0; i < 16; i++) {
      const at = from + i * 4;
      w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    let [a, b, c, d, e, f, g, h] = this.state;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    const s = this.state;
    s[0] += a; s[1] += b; s[2] += c; s[3] += d; s[4] += e; s[5] += f; s[6] += g; s[7] += h;
  }
  hex() {
    const bits = this.length * 8;
    const end = new Uint8Array(((this.held + 8) >> 6 ? 128 : 64) - this.held);
    end[0] = 128;
    const view = new DataView(end.buffer);
    view.setUint32(end.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(end.length - 4, bits % 2 ** 32);
    this.push(end);
    return [...this.state].map((word) => word.toString(16).padStart(8, "0")).join("");
  }
}

// Of text or bytes, in hex.
export function sha256(what) {
  return new Sha256().push(typeof what === "string" ? new TextEncoder().encode(what) : what).hex();
}
