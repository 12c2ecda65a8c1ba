// The points of the page and their colours in each layer.

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const wordsOf = (text) => new Uint16Array(bytesOf(text).buffer);
const FACING = 0.2; // cosine between an outer wall's direction and the eye's
const colorOf = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));

class Cloud {
  constructor(scene) {
    const { origin, step, positions, colors, sizes, largest, outward } = scene.cloud;
    const steps = wordsOf(positions);
    this.count = steps.length / 3;
    this.points = Float32Array.from(steps, (value, i) => origin[i % 3] + step * value);
    this.input = colors ? bytesOf(colors) : null;
    // Four bytes a point: diameter, a spare one, where its outer wall faces (x, y).
    this.shapes = new Uint8Array(this.count * 4);
    const [widths, walls] = [bytesOf(sizes), bytesOf(outward)];
    for (let i = 0; i < this.count; i++) {
      this.shapes.set([widths[i], 0, walls[2 * i] ^ 128, walls[2 * i + 1] ^ 128], 4 * i);
    }
    this.largest = largest;
    this.nothing = colorOf(scene.nothing);
    this.colors = new Uint8Array(this.count * 4);
    this.measure();
  }

  measure() {
    const bounds = [[0, 1], [0, 1], [0, 1]];
    for (let axis = 0; axis < 3 && this.count; axis++) {
      const values = new Float32Array(this.count);
      for (let i = 0; i < this.count; i++) values[i] = this.points[3 * i + axis];
      values.sort();
      bounds[axis] = [values[0], values[this.count - 1]];
    }
    this.center = bounds.map(([low, high]) => (low + high) / 2);
    this.radius = Math.hypot(...bounds.map(([low, high]) => high - low)) / 2 || 1;
    this.top = bounds[2][1];
    this.bottom = bounds[2][0];
  }

  // Colours every point for a layer; all but the selected row fade to grey.
  paint(layer, selected) {
    const { colors, nothing } = this;
    const plain = layer.kind !== "colors";
    const table = layer.rows.map((row) => (row.color ? colorOf(row.color) : nothing));
    for (let i = 0; i < this.count; i++) {
      let color = nothing;
      let faded = false;
      if (layer.labels) {
        const row = layer.labels[i] - 1;
        if (row >= 0) color = table[row];
        faded = selected >= 0 && row !== selected;
      }
      for (let c = 0; c < 3; c++) {
        const own = layer.colors || this.input;
        const value = plain || layer.labels ? color[c] : own[3 * i + c];
        colors[4 * i + c] = faded ? 0.12 * value + 0.88 * nothing[c] : value;
      }
      colors[4 * i + 3] = 255;
    }
  }

  // Whether point i is left out: above the cut, or on an outer wall that faces the eye.
  hidden(i, { ceiling, open }, eye) {
    if (this.points[3 * i + 2] > ceiling) return true;
    const x = this.shapes[4 * i + 2] - 128;
    const y = this.shapes[4 * i + 3] - 128;
    if (!open || (!x && !y)) return false;
    const [a, b] = [eye[0] - this.points[3 * i], eye[1] - this.points[3 * i + 1]];
    return x * a + y * b > 127 * FACING * Math.hypot(a, b);
  }

  // Index of the nearest point drawn within `reach` pixels of (x, y), else -1.
  pick(camera, x, y, reach, options) {
    const project = camera.projector(options.width, options.height);
    const eye = camera.eye();
    let best = -1;
    let nearest = Infinity;
    for (let i = 0; i < this.count; i++) {
      if (this.hidden(i, options, eye)) continue;
      const [px, py, depth] = project(...this.points.subarray(3 * i, 3 * i + 3));
      const away = Math.hypot(px - x, py - y);
      if (depth > 0 && away < reach && depth * (1 + away / 400) < nearest) {
        nearest = depth * (1 + away / 400);
        best = i;
      }
    }
    return best;
  }

  drawn(camera, options) {
    const eye = camera.eye();
    let count = 0;
    for (let i = 0; i < this.count; i++) count += !this.hidden(i, options, eye);
    return count;
  }
}
