// A camera that orbits a target; the world is in metres with z up.

const FIELD_OF_VIEW = 0.75; // radians, vertical
const FOCAL = 1 / Math.tan(FIELD_OF_VIEW / 2);
const VIEWS = { oblique: [0.9, 0.72], top: [Math.PI / 2, 1.569], side: [Math.PI / 2, 0.05] };

class Camera {
  constructor({ points, center, radius }) {
    this.points = points;
    this.center = center;
    this.radius = radius;
  }

  // Needs `aspect`, the picture's width by its height.
  reset(name = "oblique") {
    [this.yaw, this.pitch] = VIEWS[name];
    this.target = [...this.center];
    this.fit(this.points);
  }

  turn(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.min(1.569, Math.max(-1.569, this.pitch + pitch));
  }

  zoom(factor) {
    const nearest = this.radius * 0.02, farthest = this.radius * 20;
    this.distance = Math.min(farthest, Math.max(nearest, this.distance * factor));
  }

  // Moves the target in the picture plane by a share of the picture's height.
  pan(x, y) {
    const { right, up } = this.axes();
    const scale = 2 * this.distance / FOCAL;
    this.target = this.target.map((value, i) => value - scale * (x * right[i] - y * up[i]));
  }

  axes() {
    const [cy, sy] = [Math.cos(this.yaw), Math.sin(this.yaw)];
    const [cp, sp] = [Math.cos(this.pitch), Math.sin(this.pitch)];
    return {
      right: [sy, -cy, 0],
      up: [sp * cy, sp * sy, cp],
      forward: [cp * cy, cp * sy, -sp],
    };
  }

  eye() {
    const { forward } = this.axes();
    return this.target.map((value, i) => value - this.distance * forward[i]);
  }

  // Steps back until every 16th point or so is in the picture.
  fit(points) {
    const { right, up, forward } = this.axes();
    const along = (axis, i) => axis.reduce(
      (sum, value, c) => sum + value * (points[i + c] - this.target[c]), 0);
    let back = 0;
    for (let i = 0; i < points.length; i += 3 * Math.ceil(points.length / 30000)) {
      const [x, y] = [Math.abs(along(right, i)) / this.aspect, Math.abs(along(up, i))];
      back = Math.max(back, Math.max(x, y) * FOCAL * 1.06 - along(forward, i));
    }
    this.distance = back || this.distance;
  }

  // Rows x, y, depth of the view: each is [a, b, c, offset].
  rows() {
    const { right, up, forward } = this.axes();
    const eye = this.eye();
    const row = (axis, scale) => {
      const offset = axis[0] * eye[0] + axis[1] * eye[1] + axis[2] * eye[2];
      return [axis[0] * scale, axis[1] * scale, axis[2] * scale, -offset * scale];
    };
    return [row(right, FOCAL / this.aspect), row(up, FOCAL), row(forward, 1)];
  }

  range() {
    const far = this.distance + 4 * this.radius;
    return [Math.max(this.distance - 4 * this.radius, this.radius * 0.005), far];
  }

  // World -> [x, y, depth] in a picture of the given size; depth <= near: behind.
  projector(width, height) {
    const [x, y, z] = this.rows();
    return (a, b, c) => {
      const depth = z[0] * a + z[1] * b + z[2] * c + z[3];
      const right = (x[0] * a + x[1] * b + x[2] * c + x[3]) / depth;
      const top = (y[0] * a + y[1] * b + y[2] * c + y[3]) / depth;
      return [(0.5 + right / 2) * width, (0.5 - top / 2) * height, depth];
    };
  }
}
