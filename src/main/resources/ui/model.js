// What there is to say about the model.

import { count, element } from './bytes.js';
import * as feed from './feed.js';

const card = document.getElementById('model-card');
let loaded = false;

export function start() {
  document.getElementById('view-model').addEventListener('viewshown', load);
}

async function load() {
  if (loaded) return;
  loaded = true;
  try {
    show(await feed.getJson('api/model'));
  } catch (e) {
    loaded = false;
    card.replaceChildren(element('p', 'error', e.message));
  }
}

function fact(list, name, value) {
  const row = element('div');
  row.append(element('dt', '', name), element('dd', '', value));
  list.append(row);
}

function show(model) {
  const tiles = element('dl', 'tiles');
  const s = model.shape;
  fact(tiles, 'model', model.name);
  fact(tiles, 'blocks', `${s.n_layer} × Mamba`);
  fact(tiles, 'width', `${s.d_model} → ${s.d_inner} channels`);
  fact(tiles, 'states a channel', String(s.d_state));
  fact(tiles, 'weights a byte meets', count(model.projectionWeights));
  fact(tiles, 'state of a key', count(model.stateBytes) + ' bytes');
  const speed = element('div', 'card speed');
  speed.append(element('h3', '', 'How fast, and how fast it could be'));
  const says = element('p', 'note', 'One core is measured for two or three seconds, beside whatever else the machine does: bytes scored, and the fused multiply-adds that it reaches on registers alone.');
  says.setAttribute('role', 'status');
  const button = element('button', 'primary', 'Measure');
  button.type = 'button';
  const gauge = element('div', 'gauge');
  gauge.hidden = true;
  button.addEventListener('click', async () => {
    button.disabled = true;
    says.textContent = 'measuring …';
    try {
      const m = await feed.postJson('api/model/measure', {});
      says.textContent = `${count(m.bytesPerSecond)} bytes/s on one core: ${m.gflops.toFixed(1)} GFLOP/s of ${m.peakGflops.toFixed(1)} that the core reaches, ${(100 * m.fractionOfPeak).toFixed(0)} %.`;
      const fill = element('span', 'fill');
      fill.style.width = Math.min(100, 100 * m.fractionOfPeak) + '%';
      gauge.replaceChildren(fill);
      gauge.hidden = false;
    } catch (e) {
      says.textContent = e.message;
    } finally {
      button.disabled = false;
    }
  });
  speed.append(says, gauge, button);
  const about = element('div', 'card');
  about.append(element('h3', '', 'Card'));
  const facts = element('dl', 'facts-list');
  fact(facts, 'fingerprint', model.fingerprint);
  fact(facts, 'kernels', model.kernels);
  fact(facts, 'shape', Object.entries(s).map(([name, value]) => `${name} ${value}`).join(', '));
  for (const { name, value } of model.card ?? []) fact(facts, name || 'card', value);
  if (!model.card) fact(facts, 'card', 'none');
  about.append(facts);
  card.replaceChildren(tiles, speed, about);
}
