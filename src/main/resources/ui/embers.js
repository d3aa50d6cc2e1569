// The strip above everything: every line a column of embers, its bytes from top to bottom.

import { step } from './bytes.js';

const ROWS = 32;
const WIDTH = 3;

export class Embers {
  constructor(canvas, reducedMotion) {
    this.canvas = canvas;
    this.reducedMotion = reducedMotion;
    this.waiting = [];
    this.colours = [];
    this.readColours();
    this.resize();
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.frame = this.frame.bind(this);
    requestAnimationFrame(this.frame);
    this.drawn = 0;
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    for (let i = 0; i <= 10; i++) this.colours[i] = style.getPropertyValue('--e' + i).trim();
  }

  /** After the colours changed. */
  repaint() {
    this.readColours();
    const all = this.history ?? [];
    this.clear();
    this.waiting = all.slice(-Math.ceil(this.canvas.width / WIDTH));
    this.history = [];
  }

  resize() {
    const width = Math.max(1, Math.floor(this.canvas.clientWidth));
    if (this.canvas.width === width) return;
    this.canvas.width = width;
    this.canvas.height = ROWS * 2;
    this.context = this.canvas.getContext('2d', { alpha: false });
    this.repaint();
  }

  clear() {
    this.context.fillStyle = this.colours[0];
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  add(lines) {
    for (const line of lines) {
      const cells = new Uint8Array(ROWS);
      const n = Math.min(line.surprisal.length, line.value.length);
      for (let i = 0; i < n; i++) {
        const bits = line.bitsAt(i);
        // A short line leaves the rest dark: four bytes a cell, longer lines are pressed together.
        const row = Math.min(ROWS - 1, Math.floor(n > ROWS * 6 ? (i * ROWS) / n : i / 6));
        if (bits > 0) cells[row] = Math.max(cells[row], step(bits));
      }
      this.waiting.push(cells);
    }
    // Hidden pages draw nothing; what they missed is not caught up with.
    if (this.waiting.length > 400) this.waiting.splice(0, this.waiting.length - 400);
  }

  frame(now) {
    requestAnimationFrame(this.frame);
    if (this.waiting.length === 0 || (this.reducedMotion.matches && now - this.drawn < 1000)) return;
    this.drawn = now;
    const columns = this.reducedMotion.matches ? this.waiting.length : Math.max(1, Math.ceil(this.waiting.length / 12));
    const c = this.context;
    const shift = Math.min(columns * WIDTH, this.canvas.width);
    c.drawImage(this.canvas, -shift, 0);
    const taken = this.waiting.splice(0, columns);
    taken.forEach((cells, i) => {
      const x = this.canvas.width - (taken.length - i) * WIDTH;
      c.fillStyle = this.colours[0];
      c.fillRect(x, 0, WIDTH, this.canvas.height);
      for (let row = 0; row < ROWS; row++) {
        if (cells[row] > 0) {
          c.fillStyle = this.colours[cells[row]];
          c.fillRect(x, row * 2, WIDTH - 0.5, 2);
        }
      }
    });
    this.history = (this.history ?? []).concat(taken).slice(-700);
  }
}
