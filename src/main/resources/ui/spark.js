// A minute as a small curve.

const NS = 'http://www.w3.org/2000/svg';

/** An SVG of a series with gaps (null); `top` is the value at the upper edge at least. */
export function spark(values, { width = 180, height = 30, top = 1, className = '', label = '' } = {}) {
  const svg = document.createElementNS(NS, 'svg');
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.setAttribute('width', width);
  svg.setAttribute('height', height);
  svg.setAttribute('class', 'spark ' + className);
  svg.setAttribute('role', 'img');
  svg.setAttribute('preserveAspectRatio', 'none');
  const there = values.filter((v) => v !== null);
  svg.setAttribute('aria-label', there.length === 0 ? `${label}: nothing` : `${label}: from ${Math.min(...there).toFixed(1)} to ${Math.max(...there).toFixed(1)}, last ${there[there.length - 1].toFixed(1)}`);
  const most = Math.max(top, ...there);
  const x = (i) => (values.length < 2 ? width / 2 : (i * width) / (values.length - 1));
  const y = (v) => height - 2 - (Math.max(0, v) / most) * (height - 4);
  let path = '';
  let open = false;
  values.forEach((v, i) => {
    if (v === null) {
      open = false;
      return;
    }
    // A second on its own is a dot, not nothing.
    path += open ? `L${x(i).toFixed(1)} ${y(v).toFixed(1)}` : `M${x(i).toFixed(1)} ${y(v).toFixed(1)}h0.01`;
    open = true;
  });
  const line = document.createElementNS(NS, 'path');
  line.setAttribute('d', path || 'M0 0');
  svg.append(line);
  return svg;
}
