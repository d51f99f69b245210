// Protobuf as the contract has it, by a schema that the server makes from its own descriptors. Enums are words without their prefix ("MIXING"), bytes are
// Uint8Array, whole numbers are Number (times, frames and sizes lie far below 2^53), what is absent is null. Never here: what a message means.

const utf8 = new TextEncoder();
const text = new TextDecoder();

// A field is [number, name, kind, card, type]; kind: d double, f float, i whole number, b yes or no, z zigzag, s text, y bytes, m message, e enum; card: 0 one, 1 many, 2 may be absent.
const WIRE = { d: 1, f: 5, i: 0, b: 0, z: 0, e: 0, s: 2, y: 2, m: 2 };

export function codecOf(schema) {
  const byNumber = new Map();
  const table = (type) => {
    let found = byNumber.get(type);
    if (!found) {
      const fields = schema.messages[type];
      if (!fields) throw new Error(`no message ${type}`);
      found = new Map(fields.map((field) => [field[0], field]));
      byNumber.set(type, found);
    }
    return found;
  };
  const encode = (type, value) => {
    const out = new Writer();
    for (const field of schema.messages[type] ?? []) writeField(out, field, value[field[1]], schema, encode);
    for (const name of Object.keys(value)) {
      // A word that the contract does not know would be lost in silence.
      if (!schema.messages[type].some((field) => field[1] === name)) throw new Error(`${type} has no ${name}`);
    }
    return out.bytes();
  };
  const decode = (type, bytes) => {
    const fields = table(type);
    const value = {};
    for (const [, name, kind, card] of fields.values()) value[name] = card === 1 ? [] : card === 2 ? null : zero(kind, schema, fields, name);
    const read = new Reader(bytes);
    while (!read.done()) {
      const tag = read.varint();
      const field = fields.get(Math.floor(tag / 8));
      const wire = tag % 8;
      if (!field) read.skip(wire);
      else readField(read, wire, field, value, schema, decode);
    }
    return value;
  };
  return { encode, decode };
}

function zero(kind, schema, fields, name) {
  if (kind === "m") return null;
  if (kind === "s") return "";
  if (kind === "b") return false;
  if (kind === "y") return new Uint8Array(0);
  if (kind === "e") {
    const type = [...fields.values()].find((field) => field[1] === name)[4];
    return schema.enums[type][0] ?? 0;
  }
  return 0;
}

function writeField(out, field, value, schema, encode) {
  const [number, , kind, card, type] = field;
  if (value === undefined || value === null) return;
  const one = (item) => {
    out.varint(number * 8 + WIRE[kind]);
    writeValue(out, kind, type, item, schema, encode);
  };
  if (card !== 1) {
    if (card === 2 || kind === "m" || !isZero(kind, type, value, schema)) one(value);
    return;
  }
  if (value.length === 0) return;
  if (kind === "s" || kind === "y" || kind === "m") {
    value.forEach(one);
    return;
  }
  const packed = new Writer();
  for (const item of value) writeValue(packed, kind, type, item, schema, encode);
  out.varint(number * 8 + 2);
  out.block(packed.bytes());
}

function isZero(kind, type, value, schema) {
  if (kind === "s" || kind === "y") return value.length === 0;
  if (kind === "e") return enumNumber(schema, type, value) === 0;
  return !value;
}

function enumNumber(schema, type, value) {
  if (typeof value === "number") return value;
  const at = schema.enums[type].indexOf(value);
  if (at < 0) throw new Error(`${type} has no ${value}`);
  return at;
}

function writeValue(out, kind, type, value, schema, encode) {
  if (kind === "s") out.block(utf8.encode(value));
  else if (kind === "y") out.block(value);
  else if (kind === "m") out.block(encode(type, value));
  else if (kind === "b") out.varint(value ? 1 : 0);
  else if (kind === "e") out.varint(enumNumber(schema, type, value));
  else if (kind === "z") out.varint(value < 0 ? -2 * value - 1 : 2 * value);
  else if (kind === "d" || kind === "f") out.float(kind, value);
  else out.whole(value);
}

function readField(read, wire, field, value, schema, decode) {
  const [, name, kind, card, type] = field;
  if (card === 1 && wire === 2 && WIRE[kind] !== 2) {
    const inner = new Reader(read.block());
    while (!inner.done()) value[name].push(readValue(inner, kind, type, schema, decode));
    return;
  }
  if (wire !== WIRE[kind]) {
    read.skip(wire);
    return;
  }
  const one = readValue(read, kind, type, schema, decode);
  if (card === 1) value[name].push(one);
  else value[name] = one;
}

function readValue(read, kind, type, schema, decode) {
  if (kind === "s") return text.decode(read.block());
  if (kind === "y") return read.block().slice();
  if (kind === "m") return decode(type, read.block());
  if (kind === "b") return read.varint() !== 0;
  if (kind === "d" || kind === "f") return read.float(kind);
  const whole = read.varint();
  if (kind === "e") return schema.enums[type][whole] ?? whole;
  if (kind === "z") return whole % 2 === 0 ? whole / 2 : -(whole + 1) / 2;
  return whole;
}

class Writer {
  constructor() {
    this.room = new Uint8Array(256);
    this.at = 0;
  }
  need(more) {
    if (this.at + more <= this.room.length) return;
    const larger = new Uint8Array(Math.max(this.room.length * 2, this.at + more));
    larger.set(this.room);
    this.room = larger;
  }
  varint(value) {
    this.need(10);
    while (value >= 128) {
      this.room[this.at++] = (value % 128) + 128;
      value = Math.floor(value / 128);
    }
    this.room[this.at++] = value;
  }
  // A negative one takes ten bytes, as two's complement of 64 bits.
  whole(value) {
    if (value >= 0) {
      this.varint(value);
      return;
    }
    this.need(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let at = 0; at < 9; at++) {
      this.room[this.at++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.room[this.at++] = Number(rest);
  }
  float(kind, value) {
    const size = kind === "d" ? 8 : 4;
    this.need(size);
    const view = new DataView(this.room.buffer, this.at, size);
    if (kind === "d") view.setFloat64(0, value, true);
    else view.setFloat32(0, value, true);
    this.at += size;
  }
  block(bytes) {
    this.varint(bytes.length);
    this.need(bytes.length);
    this.room.set(bytes, this.at);
    this.at += bytes.length;
  }
  bytes() {
    return this.room.slice(0, this.at);
  }
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }
  done() {
    return this.at >= this.bytes.length;
  }
  byte() {
    if (this.at >= this.bytes.length) throw new Error("a message was cut off");
    return this.bytes[this.at++];
  }
  varint() {
    const from = this.at;
    let value = 0;
    let scale = 1;
    for (let read = 0; read < 10; read++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      // Ten bytes are a number below zero, or beyond what a Number holds.
      if (byte < 128) return read === 9 ? this.long(from) : value;
      scale *= 128;
    }
    throw new Error("a number in a message is too long");
  }
  long(from) {
    let value = 0n;
    for (let at = 9; at >= 0; at--) value = (value << 7n) | BigInt(this.bytes[from + at] & 127);
    return Number(BigInt.asIntN(64, value));
  }
  block() {
    const length = this.varint();
    if (length > this.bytes.length - this.at) throw new Error("a message was cut off");
    const found = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return found;
  }
  float(kind) {
    const size = kind === "d" ? 8 : 4;
    if (size > this.bytes.length - this.at) throw new Error("a message was cut off");
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, size);
    this.at += size;
    return kind === "d" ? view.getFloat64(0, true) : view.getFloat32(0, true);
  }
  skip(wire) {
    if (wire === 0) this.varint();
    else if (wire === 1) this.at += 8;
    else if (wire === 5) this.at += 4;
    else if (wire === 2) this.block();
    else throw new Error("a message is not of the form");
  }
}
