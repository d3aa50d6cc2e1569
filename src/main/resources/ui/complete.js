// How a text goes on.

import { count, glyphs, keyName, pack, unpack } from './bytes.js';
import { element } from './bytes.js';
import * as feed from './feed.js';

const $ = (id) => document.getElementById(id);
let running = null;

export function start() {
  feed.on('keys', keyOptions);
  $('prompt').value = '[2026-11-24 07:49:41,000] ERROR ';
  $('complete-form').addEventListener('submit', (e) => {
    e.preventDefault();
    run();
  });
  $('complete-stop').addEventListener('click', () => running?.abort());
}

function keyOptions(keys) {
  const menu = $('complete-key');
  const there = new Set([...menu.options].map((o) => o.value));
  for (const { key } of keys.slice(0, 500)) {
    if (key !== '' && !there.has(key)) {
      const option = element('option', '', keyName(key));
      option.value = key;
      menu.append(option);
    }
  }
}

async function run() {
  const key = $('complete-key').value;
  const body = {
    temperature: Number($('temperature').value),
    seed: Number($('seed').value),
    maxBytes: Number($('max-bytes').value),
  };
  if (key) body.key = key;
  else body.prompt = pack(new TextEncoder().encode($('prompt').value));
  running?.abort();
  const mine = new AbortController();
  running = mine;
  $('made').replaceChildren();
  $('complete-go').disabled = true;
  $('complete-stop').disabled = false;
  $('complete-says').textContent = 'continuing …';
  try {
    const response = await feed.post('api/complete', body, mine.signal);
    if (!response.ok) throw new Error((await response.json()).error);
    await read(response.body.getReader());
  } catch (e) {
    $('complete-says').textContent = e.name === 'AbortError' ? 'stopped' : e.message;
  } finally {
    if (running === mine) running = null;
    $('complete-go').disabled = false;
    $('complete-stop').disabled = true;
  }
}

async function read(reader) {
  const decoder = new TextDecoder();
  let rest = '';
  let made = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const said = JSON.parse(line);
      if (said.prompt !== undefined) prompt(unpack(said.prompt));
      else if (said.bytes !== undefined && !said.done) made += show(unpack(said.bytes), said.origins);
      else if (said.done) finish(said);
      if (!said.done && made > 0) $('complete-says').textContent = `${count(made)} bytes so far; then the same is made without drafts, to compare`;
    }
  }
}

function prompt(bytes) {
  const text = element('span', 'prompt');
  text.textContent = visible(glyphs(bytes.subarray(Math.max(0, bytes.length - 600))));
  $('made').append(text);
}

// Lines are lines here.
function visible(some) {
  return some.map((g) => (g.text === '⏎' ? '\n' : g.text)).join('');
}

function show(bytes, origins) {
  const made = $('made');
  for (const glyph of glyphs(bytes)) {
    const origin = origins[glyph.at];
    let last = made.lastElementChild;
    if (!last || !last.classList.contains(origin)) {
      last = element('span', 'made ' + origin);
      made.append(last);
    }
    last.textContent += visible([glyph]);
  }
  made.scrollTop = made.scrollHeight;
  return bytes.length;
}

function finish(said) {
  const drafts = said.drafted === 0 ? 'nothing was worth drafting' : `${count(said.accepted)} of ${count(said.drafted)} drafted bytes were right`;
  $('complete-says').textContent =
    `${count(said.bytes)} bytes at ${count(said.bytesPerSecond)} bytes/s, ${count(said.plainBytesPerSecond)} without drafts: ratio ${said.ratio.toFixed(2)}. ` +
    `${drafts}. ${said.identical ? 'The bytes are the same with and without.' : 'The bytes DIFFER, which is a bug.'}`;
}
