// The points of the page and their colours in each layer.

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const wordsOf = (text) => new Uint16Array(bytesOf(text).buffer);
const FACING = 0.2; // cosine between an outer wall's direction and the eye's
const colorOf = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));

class Cloud {
  constructor({ cloud, nothing }) {
    const { low, size, step, positions, shapes, largest } = cloud;
    this.points = Float32Array.from(wordsOf(positions), (value, i) => low[i % 3] + step * value);
    this.count = this.points.length / 3;
    this.shapes = bytesOf(shapes); // a point's diameter, where its outer wall faces (x, y)
    this.largest = largest;
    this.nothing = colorOf(nothing);
    this.colors = new Uint8Array(this.count * 3);
    this.center = low.map((value, axis) => value + size[axis] / 2);
    this.radius = Math.hypot(...size) / 2 || 1;
    [this.bottom, this.top] = [low[2], low[2] + size[2]];
  }

  // Colours every point for a layer; all but the selected row fade to grey.
  paint({ labels, colors, rows }, selected) {
    const { nothing } = this;
    const table = rows.map((row) => row.color && colorOf(row.color));
    for (let i = 0; i < this.count; i++) {
      const row = labels ? labels[i] - 1 : -1;
      const faded = labels && selected >= 0 && row !== selected;
      for (let c = 0; c < 3; c++) {
        const value = colors ? colors[3 * i + c] : (table[row] || nothing)[c];
        this.colors[3 * i + c] = faded ? 0.12 * value + 0.88 * nothing[c] : value;
      }
    }
  }

  // Whether point i is left out: above the cut, or on an outer wall that faces the eye.
  hidden(i, { ceiling, open }, eye) {
    if (this.points[3 * i + 2] > ceiling) return true;
    const [x, y] = [this.shapes[3 * i + 1] - 128, this.shapes[3 * i + 2] - 128];
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
}
