// Draws the cloud without WebGL: a depth buffer of our own on a 2D canvas.

class RasterRenderer {
  constructor(canvas, cloud) {
    this.context = canvas.getContext("2d");
    this.canvas = canvas;
    this.cloud = cloud;
    this.width = 0;
  }

  prepare() {}

  upload() {
    this.tints = new Uint32Array(this.cloud.colors.buffer);
  }

  resize(width, height) {
    if (this.width === width && this.height === height) return;
    [this.width, this.height] = [this.canvas.width, this.canvas.height] = [width, height];
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.depths = new Float32Array(width * height);
  }

  draw(camera, options) {
    const { size, width, height } = options;
    this.resize(Math.round(width), Math.round(height));
    this.pixels.fill(0);
    this.depths.fill(Infinity);
    const project = camera.projector(this.width, this.height);
    const [nearest] = camera.range();
    const { points, count, shapes, largest } = this.cloud;
    const scale = size * largest / 255 * FOCAL * this.height / 4;
    const eye = camera.eye();
    for (let i = 0; i < count; i++) {
      if (this.cloud.hidden(i, options, eye)) continue;
      const [x, y, depth] = project(points[3 * i], points[3 * i + 1], points[3 * i + 2]);
      const radius = Math.min(24, scale * shapes[4 * i] / depth);
      if (depth > nearest) this.splat(x, y, depth, radius, this.tints[i]);
    }
    this.shade();
    this.context.putImageData(this.image, 0, 0);
  }

  splat(x, y, depth, radius, tint) {
    const { width, height, depths, pixels } = this;
    const reach = Math.max(0.75, radius);
    const [left, right] = [Math.max(0, Math.ceil(x - reach)), Math.min(width - 1, x + reach)];
    const [top, bottom] = [Math.max(0, Math.ceil(y - reach)), Math.min(height - 1, y + reach)];
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        if ((row - y) ** 2 + (column - x) ** 2 > reach * reach + 0.3) continue;
        const at = row * width + column;
        if (depth < depths[at]) {
          depths[at] = depth;
          pixels[at] = tint;
        }
      }
    }
  }

  // Eye-dome lighting with four neighbours.
  shade() {
    const { width, height, depths } = this;
    const data = this.image.data;
    const logs = this.depths.map(Math.log2);
    for (let row = 1; row < height - 1; row++) {
      for (let at = row * width + 1; at < (row + 1) * width - 1; at++) {
        if (depths[at] === Infinity) continue;
        let nearer = 0;
        for (const step of [-1, 1, -width, width]) {
          nearer += Math.min(0.06, Math.max(0, logs[at] - logs[at + step]));
        }
        const light = Math.exp(-8 * nearer);
        for (let c = 0; c < 3; c++) data[4 * at + c] *= light;
      }
    }
  }
}
