// One row a key.

import { count, dateTime, element, keyName } from './bytes.js';
import * as feed from './feed.js';
import { spark } from './spark.js';
import { filterByKey } from './stream.js';

const ROWS_MAX = 100;
const LEARNING_LINES = 200;
const SILENT_MS = 10_000;

const $ = (id) => document.getElementById(id);
let chosen = null;

export function start() {
  feed.on('keys', draw);
  feed.on('incidents', draw);
  $('key-find').addEventListener('input', draw);
  $('key-order').addEventListener('change', draw);
  $('view-keys').addEventListener('viewshown', draw);
  $('key-rows').addEventListener('click', (e) => {
    const row = e.target.closest('tr');
    if (row) choose(row.dataset.key);
  });
}

/** learning, normal, anomalous or silent. */
export function stateOf(key) {
  if (feed.current.incidents?.incidents.some((i) => i.key === key.key && i.status === 'open')) return 'anomalous';
  if (key.silentMs > SILENT_MS) return 'silent';
  return key.records < LEARNING_LINES ? 'learning' : 'normal';
}

function draw() {
  if ($('view-keys').hidden) return;
  const find = $('key-find').value.toLowerCase();
  let keys = feed.current.keys.filter((k) => keyName(k.key).toLowerCase().includes(find));
  const order = {
    recent: (a, b) => a.silentMs - b.silentMs,
    rate: (a, b) => b.rate - a.rate,
    bpb: (a, b) => b.bpb - a.bpb,
    name: (a, b) => keyName(a.key).localeCompare(keyName(b.key)),
  }[$('key-order').value];
  keys.sort(order);
  const all = keys.length;
  keys = keys.slice(0, ROWS_MAX);
  $('keys-note').textContent = all > ROWS_MAX ? `${ROWS_MAX} of ${count(all)} keys are shown` : `${count(all)} ${all === 1 ? 'key' : 'keys'}`;
  const body = $('key-rows');
  const rows = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const focused = document.activeElement?.closest?.('tr')?.dataset.key;
  const ordered = keys.map((key) => fill(rows.get(key.key) ?? newRow(key.key), key));
  // Moving a row takes the focus away: only where the order changed.
  if (ordered.length !== body.rows.length || ordered.some((row, i) => body.rows[i] !== row)) {
    body.replaceChildren(...ordered);
    if (focused !== undefined) body.querySelector(`tr[data-key="${focused}"] button`)?.focus();
  }
}

function newRow(key) {
  const row = element('tr');
  row.dataset.key = key;
  for (const name of ['', '', 'num', '', '', 'num', 'num']) row.append(element('td', name));
  const button = element('button', 'link', keyName(key));
  button.type = 'button';
  row.cells[0].append(button);
  return row;
}

function fill(row, key) {
  const state = stateOf(key);
  row.className = key.key === chosen ? 'chosen' : '';
  if (row.state !== state) {
    row.cells[1].replaceChildren(element('span', 'state ' + state, state));
    row.state = state;
  }
  row.cells[2].textContent = key.rate.toFixed(1);
  row.cells[3].replaceChildren(spark(key.bits, { top: 3, className: 'bits', label: 'bits per byte' }));
  row.cells[4].replaceChildren(spark(key.peak, { top: 10, className: 'peak', label: 'z' }));
  row.cells[5].textContent = key.bpb.toFixed(2);
  row.cells[6].textContent = count(key.records);
  return row;
}

async function choose(key) {
  chosen = key;
  draw();
  const detail = $('key-detail');
  detail.hidden = false;
  detail.replaceChildren(element('h3', '', keyName(key)), element('p', 'note', 'asking the state store …'));
  try {
    const history = await feed.getJson('api/history?key=' + key);
    if (chosen === key) show(detail, key, history);
  } catch (e) {
    detail.replaceChildren(element('h3', '', keyName(key)), element('p', 'error', e.message));
  }
  detail.scrollIntoView({ block: 'nearest' });
}

function show(detail, key, history) {
  detail.replaceChildren(element('h3', '', keyName(key)));
  if (!history.known) {
    detail.append(element('p', 'note', 'The state store of this instance does not have this key: it is elsewhere, or was forgotten.'));
    return;
  }
  const facts = element('p', 'facts', `${count(history.position)} bytes so far, ${(history.bits / Math.max(1, history.position)).toFixed(3)} bits a byte; last line ${dateTime(history.timestampMs)}; ${count(history.sinceCheckpoint)} lines since the last checkpoint`);
  detail.append(facts);
  const perByte = history.records.map((r) => (r.bytes > 0 ? r.bits / r.bytes : 0));
  if (perByte.length > 0) {
    detail.append(element('p', 'note', `Bits per byte of the last ${count(perByte.length)} lines, from the state store:`));
    detail.append(spark(perByte, { width: 900, height: 90, top: 4, className: 'bits wide', label: 'bits per byte of each line' }));
  } else {
    detail.append(element('p', 'note', 'A checkpoint was just written: no lines since.'));
  }
  const button = element('button', '', 'See its lines');
  button.type = 'button';
  button.addEventListener('click', () => {
    location.hash = '#stream';
    filterByKey(key);
  });
  const close = element('button', '', 'Close');
  close.type = 'button';
  close.addEventListener('click', () => {
    chosen = null;
    detail.hidden = true;
    draw();
  });
  const buttons = element('p', 'buttons');
  buttons.append(button, close);
  detail.append(buttons);
}
