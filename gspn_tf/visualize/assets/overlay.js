// Boxes and a scale, drawn over the points.

const CORNERS = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => [n & 1, (n >> 1) & 1, n >> 2]);
const EDGES = [
  [0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7], [0, 4], [1, 5], [2, 6], [3, 7],
];

class Overlay {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  begin(camera, width, height) {
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.context.scale(scale, scale);
    this.context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    this.height = height;
    this.camera = camera;
    this.project = camera.projector(width, height);
    this.ink = getComputedStyle(document.documentElement).getPropertyValue("--ink");
  }

  // All boxes at or above the least score, the weakest first; the selected one on top.
  boxes(rows, selected, least) {
    const faint = selected >= 0 ? 0.25 : 1;
    for (const row of rows.filter(({ box, score }) => box && score >= least).reverse()) {
      this.box(row.box, "rgb(224, 88, 0)", 1.3, faint * (0.2 + 0.75 * row.score));
    }
  }

  highlight(row) {
    if (row && row.box) this.box(row.box, this.ink, 2, 1);
  }

  box(box, color, thickness, alpha) {
    const { context } = this;
    const corners = CORNERS.map((corner) => this.project(
      ...corner.map((side, i) => box[i] + (side - 0.5) * box[i + 3])));
    context.globalAlpha = alpha;
    context.strokeStyle = color;
    context.lineWidth = thickness;
    context.beginPath();
    for (const [a, b] of EDGES) {
      if (corners[a][2] <= 0 || corners[b][2] <= 0) continue;
      context.moveTo(corners[a][0], corners[a][1]);
      context.lineTo(corners[b][0], corners[b][1]);
    }
    context.stroke();
  }

  // A bar of a round length, true at the target's distance.
  scale() {
    const { context, camera, height } = this;
    const pixels = height * FOCAL / (2 * camera.distance); // per metre at the target
    const wanted = 110 / pixels;
    const power = 10 ** Math.floor(Math.log10(wanted));
    const length = [5, 2, 1].find((n) => n * power <= wanted) * power;
    const [left, bottom] = [20, height - 20];
    context.strokeStyle = context.fillStyle = this.ink;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(left, bottom - 5);
    context.lineTo(left, bottom);
    context.lineTo(left + length * pixels, bottom);
    context.lineTo(left + length * pixels, bottom - 5);
    context.stroke();
    context.fillText(`${+length.toPrecision(2)} m`, left + 4, bottom - 6);
  }
}
