// The frame: views, theme, state of the connection.

import { count } from './bytes.js';
import * as complete from './complete.js';
import { Embers } from './embers.js';
import * as feed from './feed.js';
import * as incidents from './incidents.js';
import * as keys from './keys.js';
import * as model from './model.js';
import * as stream from './stream.js';

const $ = (id) => document.getElementById(id);
const VIEWS = ['stream', 'keys', 'incidents', 'complete', 'model'];

const embers = new Embers($('embers'), matchMedia('(prefers-reduced-motion: reduce)'));
theme();
stream.start(embers);
keys.start();
incidents.start();
complete.start();
model.start();

function view() {
  const wanted = location.hash.slice(1);
  const name = VIEWS.includes(wanted) ? wanted : 'stream';
  for (const v of VIEWS) {
    $('view-' + v).hidden = v !== name;
    const link = document.querySelector(`nav a[data-view="${v}"]`);
    if (v === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  $('cursor').hidden = true;
  document.title = `${name[0].toUpperCase()}${name.slice(1)} · MambaByte`;
  $('view-' + name).dispatchEvent(new Event('viewshown'));
}
addEventListener('hashchange', view);
view();

function theme() {
  const light = matchMedia('(prefers-color-scheme: light)');
  let own = null;
  const apply = () => {
    document.documentElement.dataset.theme = own ?? (light.matches ? 'light' : 'dark');
    embers.repaint();
  };
  light.addEventListener('change', apply);
  $('theme').addEventListener('click', () => {
    own = document.documentElement.dataset.theme === 'light' ? 'dark' : 'light';
    apply();
  });
  apply();
}

const STATES = { RUNNING: ['scoring', 'good'], REBALANCING: ['restoring or rebalancing', 'busy'], CREATED: ['starting', 'busy'], ERROR: ['failed', 'bad'], PENDING_ERROR: ['failing', 'bad'], NOT_RUNNING: ['stopped', 'bad'], PENDING_SHUTDOWN: ['stopping', 'busy'] };

function state(text, kind) {
  if ($('state-text').textContent !== text) $('state-text').textContent = text;
  $('state').dataset.kind = kind;
}

feed.on('connected', (there) => {
  if (!there) state('the application has gone', 'bad');
});
feed.on('status', (status) => {
  const idle = status.state === 'RUNNING' && status.recordsPerSecond < 0.05;
  state(...(idle ? ['waiting for lines', 'idle'] : (STATES[status.state] ?? [status.state, 'busy'])));
  $('f-lines').textContent = count(status.recordsPerSecond);
  $('f-bytes').textContent = count(status.bytesPerSecond);
  $('f-all').textContent = count(status.records);
});

feed.open();
