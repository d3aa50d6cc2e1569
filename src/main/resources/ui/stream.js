// The stream: lines as they are scored, every byte coloured by its surprisal.

import { byteName, clock, count, dateTime, element, keyName, Line, percent, step } from './bytes.js';
import * as feed from './feed.js';

const ROWS_MAX = 120;
const WAITING_MAX = 400;
const FILLED_ROWS = 30;

const $ = (id) => document.getElementById(id);
const list = $('lines');
const cursor = $('cursor');

let paused = false;
let looking = false;
let waiting = [];
let passed = 0;
let shown = [];
let selected = null;
let atByte = -1;
let frameAsked = false;
let recent = [];

export function start(embers) {
  legend();
  feed.on('lines', (raw) => {
    const lines = raw.map((json) => new Line(json));
    embers.add(lines);
    recent.push(...lines);
    waiting.push(...lines);
    if (waiting.length > WAITING_MAX) {
      passed += waiting.length - WAITING_MAX;
      waiting.splice(0, waiting.length - WAITING_MAX);
    }
    ask();
  });
  feed.on('status', sampling);
  feed.on('keys', keyOptions);
  $('pause').addEventListener('click', () => pause(!paused));
  $('key-filter').addEventListener('change', filter);
  $('min-filter').addEventListener('change', filter);
  list.addEventListener('pointerenter', () => look(true));
  list.addEventListener('pointerleave', () => {
    look(list.contains(document.activeElement));
    if (!list.contains(document.activeElement)) cursor.hidden = true;
  });
  list.addEventListener('pointermove', point);
  list.addEventListener('click', (e) => {
    const row = e.target.closest('.line');
    if (row) {
      row.focus({ preventScroll: true });
      point(e);
    }
  });
  list.addEventListener('focusin', (e) => {
    look(true);
    const row = e.target.closest('.line');
    if (row && row.line !== selected?.line) select(row, worst(row.line));
  });
  list.addEventListener('focusout', (e) => {
    if (!list.contains(e.relatedTarget)) {
      look(list.matches(':hover'));
      cursor.hidden = true;
    }
  });
  list.addEventListener('keydown', keys);
  list.addEventListener('scroll', placeCursor);
  addEventListener('resize', placeCursor);
  $('view-stream').addEventListener('viewshown', ask);
}

function legend() {
  const names = ['<½', '½', '1', '2', '3', '4', '5', '6', '8', '10', '13+'];
  names.forEach((name, s) => $('legend').append(element('span', 's' + s, name)));
}

function filter() {
  const key = $('key-filter').value;
  const min = $('min-filter').value;
  waiting = [];
  shown.forEach((row) => row.remove());
  shown = [];
  select(null, -1);
  feed.open({ key, min });
  pause(false);
  sampling(feed.current.status);
}

function keyOptions(keys) {
  const menu = $('key-filter');
  const there = new Set([...menu.options].map((o) => o.value));
  for (const { key } of keys.slice(0, 500)) {
    if (key !== '' && !there.has(key)) {
      const option = element('option', '', keyName(key));
      option.value = key;
      menu.append(option);
    }
  }
}

/** Shows the lines of one key. */
export function filterByKey(key) {
  keyOptions([{ key }]);
  $('key-filter').value = key;
  filter();
}

function pause(on) {
  paused = on;
  $('pause').textContent = on ? 'Resume' : 'Pause';
  $('pause').setAttribute('aria-pressed', String(on));
  if (!on) {
    passed = 0;
    ask();
  }
  sampling(feed.current.status);
}

// While somebody looks at a line it must not run away.
function look(on) {
  if (looking === on) return;
  looking = on;
  if (!on) {
    passed = 0;
    ask();
  }
  sampling(feed.current.status);
}

function sampling(status) {
  const now = performance.now();
  const bits = recent.reduce((sum, line) => sum + line.bits, 0);
  const bytes = recent.reduce((sum, line) => sum + line.bits / Math.max(1e-9, line.bpb), 0);
  const perSecond = recent.length / Math.max(0.5, (now - sampling.since) / 1000);
  recent = [];
  sampling.since = now;
  if (bytes > 0) $('f-bpb').textContent = (bits / bytes).toFixed(2);
  if (!status) return;
  const filtered = $('key-filter').value || $('min-filter').value;
  let text;
  if (paused || looking) {
    const held = waiting.length + passed;
    text = (paused ? 'Paused' : 'Held while you look') + (held ? `; ${count(held)} lines went by` + (passed ? `, ${count(passed)} of them are gone` : '') : '') + '.';
  } else if (status.recordsPerSecond < 0.05) {
    text = status.records > 0 ? 'Nothing is being scored just now; these are the last lines.' : 'Nothing was scored yet.';
  } else if (filtered) {
    text = `The stream has ${count(status.recordsPerSecond)} lines a second; of those that were looked at, the ones that pass the filter are shown.`;
  } else if (perSecond < 0.9 * status.recordsPerSecond) {
    const share = percent(Math.min(1, perSecond / status.recordsPerSecond));
    text = `Sampled: ${count(perSecond)} of ${count(status.recordsPerSecond)} lines a second are shown (${share}), as many as eyes can follow. All of them are scored.`;
  } else {
    text = 'Every line is shown.';
  }
  if (status.dropped > 0) text += ` ${count(status.dropped)} updates were dropped because this browser was too slow.`;
  if ($('sampling').textContent !== text) $('sampling').textContent = text;
}
sampling.since = performance.now();

function ask() {
  if (frameAsked) return;
  frameAsked = true;
  requestAnimationFrame(() => {
    frameAsked = false;
    // A list that just began to fill is not held: there is nothing yet to look at.
    const held = paused || (looking && shown.length >= FILLED_ROWS);
    if (!held && !$('view-stream').hidden) draw();
  });
}

function draw() {
  if (waiting.length === 0) return;
  const fresh = waiting.slice(-ROWS_MAX);
  waiting = [];
  const some = document.createDocumentFragment();
  for (const line of fresh) {
    const row = renderRow(line);
    shown.push(row);
    some.append(row);
  }
  list.append(some);
  while (shown.length > ROWS_MAX) shown.shift().remove();
  if (shown.length > 0 && !shown.some((row) => row.tabIndex === 0)) shown[shown.length - 1].tabIndex = 0;
  list.scrollTop = list.scrollHeight;
}

function renderRow(line) {
  const row = element('div', 'line');
  row.line = line;
  row.tabIndex = -1;
  row.setAttribute('role', 'listitem');
  row.dataset.id = line.id;
  row.append(element('span', 'when', clock(line.time)));
  row.append(element('span', 'who', keyName(line.key)));
  const mean = element('span', 'mean s' + step(line.bpb * 2), line.bpb.toFixed(1));
  mean.title = 'bits per byte of this line';
  row.append(mean);
  const text = element('span', 'text');
  line.render(text);
  if (line.cut) text.append(element('span', 'cut', ` … ${count(line.size)} bytes`));
  row.append(text);
  return row;
}

// ------------------------------------------------------------------ looking at a byte

function glyphAt(span, x, y) {
  if (span.alone) return span.first;
  const node = span.firstChild;
  let offset = 0;
  const caret = document.caretPositionFromPoint?.(x, y);
  if (caret && caret.offsetNode === node) offset = caret.offset;
  else {
    const range = document.caretRangeFromPoint?.(x, y);
    if (range && range.startContainer === node) offset = range.startOffset;
  }
  offset = Math.min(offset, node.length - 1);
  // A caret is between characters, the nearer gap; the pointer is on one of them.
  const box = charBox(node, offset);
  if (x < box.left && offset > 0) offset--;
  return span.first + offset;
}

function charBox(node, offset) {
  const range = document.createRange();
  range.setStart(node, offset);
  range.setEnd(node, Math.min(node.length, offset + 1));
  return range.getBoundingClientRect();
}

function point(e) {
  const span = e.target.closest?.('.text > span');
  const row = e.target.closest?.('.line');
  if (!row || !span || span.first === undefined) return;
  select(row, glyphAt(span, e.clientX, e.clientY));
}

function worst(line) {
  let most = 0;
  line.glyphs.forEach((glyph, i) => {
    if (line.glyphBits(glyph) > line.glyphBits(line.glyphs[most])) most = i;
  });
  return most;
}

function select(row, glyph) {
  if (selected && selected !== row) selected.classList.remove('selected');
  if (row !== selected) {
    for (const other of shown) if (other.tabIndex === 0) other.tabIndex = -1;
    if (row) {
      row.tabIndex = 0;
      row.classList.add('selected');
    }
  } else if (glyph === atByte) return;
  selected = row;
  atByte = glyph;
  inspect();
  placeCursor();
}

function keys(e) {
  const row = e.target.closest('.line');
  if (!row) return;
  const at = shown.indexOf(row);
  const glyphs = row.line.glyphs.length;
  const move = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10 }[e.key];
  if (move !== undefined) {
    const next = shown[Math.min(shown.length - 1, Math.max(0, at + move))];
    select(next, worst(next.line));
    next.focus();
  } else if (e.key === 'ArrowLeft') select(row, Math.max(0, atByte - 1));
  else if (e.key === 'ArrowRight') select(row, Math.min(glyphs - 1, atByte + 1));
  else if (e.key === 'Home') select(row, 0);
  else if (e.key === 'End') select(row, glyphs - 1);
  else if (e.key === 'Escape') row.blur();
  else return;
  e.preventDefault();
  reveal();
}

function spanOf(row, glyph) {
  let found = null;
  for (const span of row.querySelectorAll('.text > span')) {
    if (span.first === undefined) continue;
    if (span.first > glyph) break;
    found = span;
  }
  return found;
}

function boxOf(row, glyph) {
  const span = spanOf(row, glyph);
  if (!span) return null;
  return span.alone ? span.getBoundingClientRect() : charBox(span.firstChild, glyph - span.first);
}

function reveal() {
  const box = selected && boxOf(selected, atByte);
  if (!box) return;
  const text = selected.querySelector('.text');
  const frame = text.getBoundingClientRect();
  if (box.left < frame.left || box.right > frame.right) text.scrollLeft += box.left - frame.left - frame.width / 3;
  placeCursor();
}

function placeCursor() {
  const box = selected && atByte >= 0 && looking ? boxOf(selected, atByte) : null;
  const frame = selected?.querySelector('.text').getBoundingClientRect();
  const pane = list.getBoundingClientRect();
  if (!box || box.right > frame.right + 1 || box.left < frame.left - 1 || box.top < pane.top - 2 || box.bottom > pane.bottom + 2) {
    cursor.hidden = true;
    return;
  }
  cursor.hidden = false;
  cursor.style.transform = `translate(${box.left}px, ${box.top}px)`;
  cursor.style.width = box.width + 'px';
  cursor.style.height = box.height + 'px';
}

function inspect() {
  const says = $('byte-says');
  says.replaceChildren();
  $('byte-empty').hidden = !!selected;
  if (!selected) return;
  const line = selected.line;
  const glyph = line.glyphs[atByte];
  const head = element('p', 'byte-head');
  const bits = line.glyphBits(glyph);
  head.append(element('span', 'byte-char s' + step(bits), glyph.size === 1 ? byteName(line.value[glyph.at]) : glyph.text));
  const first = line.bitsAt(glyph.at);
  const big = element('span', 'byte-bits', Number.isNaN(first) ? 'not predicted' : bits.toFixed(2) + ' bits');
  head.append(big);
  says.append(head);
  const hex = [...line.value.subarray(glyph.at, glyph.at + glyph.size)].map((b) => b.toString(16).padStart(2, '0')).join(' ');
  const utf8 = glyph.size > 1 ? `UTF-8 ${glyph.text}, U+${glyph.text.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}` : line.value[glyph.at] < 0x80 ? 'UTF-8 ' + byteName(line.value[glyph.at]) : 'not UTF-8';
  says.append(element('p', 'byte-what', `${utf8} · hex ${hex} · byte ${glyph.at + 1} of ${count(line.size)}`));
  for (let at = glyph.at; at < glyph.at + glyph.size; at++) {
    if (Number.isNaN(line.bitsAt(at))) continue;
    const name = glyph.size > 1 ? `instead of ${line.value[at].toString(16)} (${line.bitsAt(at).toFixed(2)} bits)` : 'the model expected';
    says.append(element('h3', '', name));
    const table = element('ol', 'instead');
    for (const { value, p } of line.insteadAt(at)) {
      const item = element('li', value === line.value[at] ? 'came' : '');
      item.append(element('span', 'name', byteName(value)));
      item.append(element('span', 'hex', value.toString(16).padStart(2, '0')));
      const track = element('span', 'track');
      const bar = element('span', 'fill');
      bar.style.width = Math.max(0.5, 100 * p) + '%';
      track.append(bar);
      item.append(track, element('span', 'p', percent(p)));
      if (value === line.value[at]) item.append(element('span', 'visually-hidden', ', which came'));
      table.append(item);
    }
    says.append(table);
    if (!line.insteadAt(at).some((i) => i.value === line.value[at])) {
      says.append(element('p', 'byte-what', `What came had ${percent(2 ** -line.bitsAt(at))}.`));
    }
  }
  says.append(element('h3', '', 'its line'));
  says.append(element('p', 'byte-what', `${keyName(line.key)} · ${dateTime(line.time)}`));
  says.append(element('p', 'byte-what', `${count(line.bits)} bits, ${count(line.expected)} expected (z ${line.z.toFixed(1)}); ${line.bpb.toFixed(2)} bits a byte`));
  says.append(element('p', 'whole', line.text()));
}
