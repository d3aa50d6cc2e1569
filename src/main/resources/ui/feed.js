// What the server tells: one connection, opened anew when the filter changes.

const listeners = new Map();
let source = null;
let query = '';
let lastId = 0;

export const current = { status: null, keys: [], incidents: null };

export function on(name, listener) {
  if (!listeners.has(name)) listeners.set(name, []);
  listeners.get(name).push(listener);
}

function emit(name, data) {
  for (const listener of listeners.get(name) ?? []) listener(data);
}

export function open(filter = {}) {
  const parameters = new URLSearchParams();
  if (filter.key) parameters.set('key', filter.key);
  if (filter.min) parameters.set('min', filter.min);
  query = parameters.toString();
  lastId = 0;
  connect();
}

function connect() {
  if (source) source.close();
  const opened = new EventSource('api/events' + (query ? '?' + query : ''));
  source = opened;
  let everOpen = false;
  opened.onopen = () => {
    everOpen = true;
    emit('connected', true);
  };
  opened.onerror = () => {
    emit('connected', false);
    if (opened.readyState === EventSource.CLOSED) {
      // Refused, not merely interrupted: the browser does not try again by itself.
      setTimeout(() => source === opened && connect(), everOpen ? 2000 : 5000);
    }
  };
  opened.addEventListener('lines', (e) => {
    // After an interruption the last lines come again.
    const told = JSON.parse(e.data).lines;
    // Another server counts from one again.
    if (told.length > 0 && told[told.length - 1].id < lastId) lastId = 0;
    const lines = told.filter((line) => line.id > lastId);
    if (lines.length > 0) {
      lastId = lines[lines.length - 1].id;
      emit('lines', lines);
    }
  });
  opened.addEventListener('status', (e) => {
    current.status = JSON.parse(e.data);
    emit('status', current.status);
  });
  opened.addEventListener('keys', (e) => {
    current.keys = JSON.parse(e.data).keys;
    emit('keys', current.keys);
  });
  opened.addEventListener('incidents', (e) => {
    current.incidents = JSON.parse(e.data);
    emit('incidents', current.incidents);
  });
}

export async function getJson(path) {
  return answer(await fetch(path));
}

export async function postJson(path, body, signal) {
  return answer(await post(path, body, signal));
}

export function post(path, body, signal) {
  return fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body), signal });
}

async function answer(response) {
  const json = await response.json();
  if (!response.ok) throw new Error(json.error ?? response.statusText);
  return json;
}
