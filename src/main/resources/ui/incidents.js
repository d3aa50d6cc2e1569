// Incidents, the worst first.

import { count, dateTime, element, glyphs, keyName, percent, unpack } from './bytes.js';
import * as feed from './feed.js';

const $ = (id) => document.getElementById(id);
let drawn = '';

export function start() {
  feed.on('incidents', draw);
  $('view-incidents').addEventListener('viewshown', draw);
  draw();
}

const text = (bytes) => glyphs(bytes).map((g) => g.text).join('');

function draw() {
  const told = feed.current.incidents;
  if (!told || !told.enabled) {
    $('incidents-note').textContent = 'Anomalies are not looked for: set mambabyte.anomalies.topic.';
    return;
  }
  const open = told.incidents.filter((i) => i.status === 'open').length;
  const badge = $('incident-count');
  badge.hidden = open === 0;
  badge.textContent = String(open);
  if ($('view-incidents').hidden) return;
  $('incidents-note').textContent = told.incidents.length === 0 ? 'None so far.' : `${count(told.total)} so far, ${count(open)} open` + (told.total > told.incidents.length ? `; the last ${count(told.incidents.length)} are here` : '');
  const key = told.incidents.map((i) => i.id + '/' + i.revision + '/' + i.verdict).join(' ');
  if (key === drawn) return;
  drawn = key;
  const worst = [...told.incidents].sort((a, b) => (a.status === 'dismissed') - (b.status === 'dismissed') || b.score - a.score);
  const focused = document.activeElement?.closest?.('.incident')?.dataset.id;
  $('incident-list').replaceChildren(...worst.map((i) => show(i, told.verdicts)));
  if (focused) $('incident-list').querySelector(`[data-id="${focused}"] button`)?.focus();
}

function show(incident, verdicts) {
  const item = element('article', 'card incident ' + incident.status);
  item.setAttribute('role', 'listitem');
  item.dataset.id = incident.id;
  const head = element('h3', '');
  head.append(element('span', 'state ' + incident.status, incident.status), document.createTextNode(' ' + (incident.kind === 'silence' ? 'silence of ' : '') + (incident.key === null ? 'lines without a key' : keyName(incident.key))));
  item.append(head);
  const when = dateTime(incident.firstTime) + (incident.lastTime > incident.firstTime ? ' to ' + dateTime(incident.lastTime) : '');
  item.append(element('p', 'facts', `${when} · ${incident.topic}-${incident.partition}, offset ${incident.firstOffset}` + (incident.lastOffset > incident.firstOffset ? ` to ${incident.lastOffset}` : '')));
  const strange = incident.p < 1e-4 ? incident.p.toExponential(1) : incident.p.toPrecision(2);
  item.append(element('p', 'facts', incident.kind === 'silence' ? `a gap so long has probability ${strange}` : `${count(incident.lines)} ${incident.lines === 1 ? 'line' : 'lines'}; the strangest scores ${incident.score.toFixed(1)} bits: of normal lines, a share of ${strange} would`));
  if (incident.text) item.append(marked(incident));
  if (incident.spans.length > 0) {
    const spans = element('ul', 'spans');
    for (const span of incident.spans) {
      const row = element('li');
      row.append(element('code', 'hot', text(unpack(span.bytes))), document.createTextNode(` ${span.bits.toFixed(0)} bits`));
      if (span.expected.length > 0) {
        row.append(document.createTextNode('; expected '));
        span.expected.forEach((e, i) => {
          if (i > 0) row.append(document.createTextNode(', '));
          row.append(element('code', '', text(unpack(e.bytes))), document.createTextNode(` ${percent(e.p)}`));
        });
      }
      spans.append(row);
    }
    item.append(spans);
  }
  if (verdicts && incident.status !== 'dismissed') item.append(verdict(incident));
  return item;
}

function marked(incident) {
  const bytes = unpack(incident.text);
  const line = element('p', 'incident-line');
  let at = 0;
  for (const span of [...incident.spans].sort((a, b) => a.offset - b.offset)) {
    const from = Math.max(at, span.offset);
    const to = Math.min(bytes.length, span.offset + unpack(span.bytes).length);
    if (to <= from) continue;
    line.append(document.createTextNode(text(bytes.subarray(at, from))));
    line.append(element('mark', '', text(bytes.subarray(from, to))));
    at = to;
  }
  line.append(document.createTextNode(text(bytes.subarray(at))));
  return line;
}

function verdict(incident) {
  const row = element('p', 'buttons');
  const says = element('span', 'note', incident.verdict ? 'said: not an anomaly' : '');
  says.setAttribute('role', 'status');
  const button = element('button', '', 'Not an anomaly');
  button.type = 'button';
  button.disabled = !!incident.verdict;
  button.addEventListener('click', async () => {
    button.disabled = true;
    says.textContent = 'saying so …';
    try {
      await feed.postJson('api/verdicts', { incident: incident.id });
      says.textContent = 'said: not an anomaly';
    } catch (e) {
      says.textContent = e.message;
      button.disabled = false;
    }
  });
  row.append(button, says);
  return row;
}
