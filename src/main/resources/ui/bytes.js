// Bytes for a person to look at: glyphs, colours, packed details.

export const THRESHOLDS = [0.5, 1, 2, 3, 4, 5, 6, 8, 10, 13];

/** Step of the colour scale, 0 for under half a bit. */
export function step(bits) {
  let s = 0;
  while (s < THRESHOLDS.length && bits >= THRESHOLDS[s]) s++;
  return s;
}

export function unpack(text) {
  const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

export function pack(bytes) {
  let raw = '';
  for (const b of bytes) raw += String.fromCharCode(b);
  return btoa(raw).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function unpack16(text) {
  const raw = unpack(text);
  const out = new Uint16Array(raw.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = raw[2 * i] | (raw[2 * i + 1] << 8);
  return out;
}

const strict = new TextDecoder('utf-8', { fatal: true });
// Controls, format characters (they can turn text round), marks, and what has no shape.
const UNSAFE = /[\p{C}\p{M}\p{Zl}\p{Zp}]/u;

function sequence(bytes, at, end) {
  const first = bytes[at];
  if (first < 0x80) return 1;
  const size = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (size === 0 || at + size > end) return 0;
  try {
    strict.decode(bytes.subarray(at, at + size));
    return size;
  } catch {
    return 0;
  }
}

/** Cuts bytes into what is shown as one character: {at, size, text, plain}. */
export function glyphs(bytes, end = bytes.length) {
  const out = [];
  for (let at = 0; at < end;) {
    const size = sequence(bytes, at, end);
    const value = bytes[at];
    let text;
    let plain = false;
    if (size === 1 && value >= 0x20 && value < 0x7f) {
      text = String.fromCharCode(value);
      plain = true;
    } else if (size > 1) {
      text = strict.decode(bytes.subarray(at, at + size));
      if (UNSAFE.test(text)) text = '\\u{' + text.codePointAt(0).toString(16) + '}';
      else plain = text.length === 1;
    } else {
      text = escape(value);
    }
    out.push({ at, size: Math.max(1, size), text, plain });
    at += Math.max(1, size);
  }
  return out;
}

function escape(value) {
  if (value === 10) return '⏎';
  if (value === 9) return '⇥';
  if (value === 13) return '\\r';
  return '\\x' + value.toString(16).padStart(2, '0');
}

/** One byte by itself. */
export function byteName(value) {
  if (value === 32) return 'space';
  if (value === 10) return 'end of line';
  if (value === 9) return 'tab';
  if (value > 0x20 && value < 0x7f) return String.fromCharCode(value);
  return '0x' + value.toString(16).padStart(2, '0');
}

const names = new Map();

/** A key as text, or in hex where it is not text. */
export function keyName(key) {
  let name = names.get(key);
  if (name === undefined) {
    const bytes = unpack(key);
    name = bytes.length === 0 ? '(no key)' : glyphs(bytes).map((g) => g.text).join('');
    if (names.size > 5000) names.clear();
    names.set(key, name);
  }
  return name;
}

/** A line of the stream. Details are unpacked when somebody looks. */
export class Line {
  constructor(json) {
    this.id = json.id;
    this.key = json.key;
    this.time = json.time;
    this.size = json.bytes;
    this.bits = json.bits;
    this.bpb = json.bpb;
    this.expected = json.expected;
    this.z = json.z;
    this.value = unpack(json.value);
    this.surprisal = unpack16(json.surprisal);
    this.packed = json;
    this.cut = this.value.length < this.size;
    if (this.surprisal.length > this.value.length) {
      const framed = new Uint8Array(this.value.length + 1);
      framed.set(this.value);
      framed[this.value.length] = 10;
      this.value = framed;
    }
    this.glyphs = glyphs(this.value);
  }

  /** Bits of a byte, NaN where nothing predicted it. */
  bitsAt(at) {
    const raw = this.surprisal[at];
    return raw === 0xffff ? NaN : raw / 1000;
  }

  /** A character is as surprising as its most surprising byte. */
  glyphBits(glyph) {
    let most = 0;
    for (let i = glyph.at; i < glyph.at + glyph.size; i++) {
      const bits = this.bitsAt(i);
      if (bits > most) most = bits;
    }
    return most;
  }

  /** What the model expected at a byte, the likeliest first. */
  insteadAt(at) {
    if (!this.instead) {
      this.instead = unpack(this.packed.instead);
      this.probability = unpack16(this.packed.probability);
    }
    const out = [];
    for (let rank = 0; rank < 5; rank++) {
      out.push({ value: this.instead[at * 5 + rank], p: this.probability[at * 5 + rank] / 0xffff });
    }
    return out;
  }

  text() {
    return this.glyphs.map((g) => g.text).join('');
  }

  /** Spans of equal colour; each knows the number of its first glyph. */
  render(into) {
    let run = null;
    let runStep = -1;
    let text = '';
    const flush = () => {
      if (run) run.textContent = text;
    };
    this.glyphs.forEach((glyph, index) => {
      const s = step(this.glyphBits(glyph));
      if (!run || s !== runStep || !glyph.plain || run.alone) {
        flush();
        run = document.createElement('span');
        run.className = 's' + s + (glyph.plain ? '' : ' esc');
        run.first = index;
        run.alone = !glyph.plain;
        runStep = s;
        text = '';
        into.append(run);
      }
      text += glyph.text;
    });
    flush();
  }
}

export function percent(p) {
  if (p > 0.995 && p < 0.9999) return (100 * p).toFixed(2) + ' %';
  if (p >= 0.0995) return (100 * p).toFixed(0) + ' %';
  if (p >= 0.00995) return (100 * p).toFixed(1) + ' %';
  return p >= 0.0001 ? (100 * p).toFixed(2) + ' %' : '< 0.01 %';
}

export function clock(ms) {
  const d = new Date(ms);
  const two = (n) => String(n).padStart(2, '0');
  return two(d.getHours()) + ':' + two(d.getMinutes()) + ':' + two(d.getSeconds()) + '.' + String(d.getMilliseconds()).padStart(3, '0');
}

export function dateTime(ms) {
  const d = new Date(ms);
  return d.toLocaleDateString('sv-SE') + ' ' + clock(ms);
}

export const count = (n) => Math.round(n).toLocaleString('en-US');

export function element(name, className, text) {
  const e = document.createElement(name);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}
