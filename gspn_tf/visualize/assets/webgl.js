// Draws the cloud with WebGL 2: round points into a texture, then shading by depth
// (eye-dome lighting: a pixel darkens where its neighbours are nearer).

const POINT_VERTEX = `#version 300 es
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 color;
layout(location = 2) in vec3 shape;
uniform vec4 viewX, viewY, viewZ;
uniform vec2 range;
uniform vec3 eye;
uniform float size, ceiling;
uniform bool open;
out vec3 tint;
void main() {
  vec4 point = vec4(position, 1.0);
  float depth = dot(viewZ, point);
  float z = (range.y + range.x) * depth - 2.0 * range.x * range.y;
  gl_Position = vec4(dot(viewX, point), dot(viewY, point), z / (range.y - range.x), depth);
  vec2 outward = (shape.yz * 255.0 - 128.0) / 127.0;
  vec2 towards = eye.xy - position.xy;
  bool facing = open && dot(outward, towards) > ${FACING} * length(towards) + 1e-6;
  if (position.z > ceiling || facing) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = clamp(size * shape.x / depth, 1.5, 64.0);
  tint = color;
}`;

const POINT_FRAGMENT = `#version 300 es
precision highp float;
in vec3 tint;
out vec4 pixel;
void main() {
  vec2 away = 2.0 * gl_PointCoord - 1.0;
  if (dot(away, away) > 1.0) discard;
  pixel = vec4(tint, 1.0);
}`;

const SHADE_VERTEX = `#version 300 es
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

const SHADE_FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D colors, depths;
uniform vec2 range;
uniform float reach;
out vec4 pixel;
float distanceAt(vec2 at) {
  float stored = 2.0 * texture(depths, at / vec2(textureSize(depths, 0))).r - 1.0;
  return log2(2.0 * range.x * range.y / (range.y + range.x - stored * (range.y - range.x)));
}
void main() {
  float here = distanceAt(gl_FragCoord.xy);
  vec4 color = texelFetch(colors, ivec2(gl_FragCoord.xy), 0);
  float nearer = 0.0;
  for (int i = 0; i < 8; i++) {
    float angle = 0.7854 * float(i);
    vec2 step = reach * vec2(cos(angle), sin(angle));
    nearer += min(0.06, max(0.0, here - distanceAt(gl_FragCoord.xy + step)));
  }
  pixel = vec4(color.rgb * exp(-4.5 * nearer), 1.0) * color.a;
}`;

class WebGLRenderer {
  constructor(canvas, cloud) {
    this.canvas = canvas;
    this.cloud = cloud;
    this.gl = canvas.getContext("webgl2", { antialias: false, depth: false });
    if (!this.gl) throw new Error("WebGL 2 is missing");
    this.scale = Math.min(2, Math.max(1.5, window.devicePixelRatio || 1));
    this.prepare();
  }

  // Everything that lives in the context; called again when a lost one is restored.
  prepare() {
    const { gl, cloud } = this;
    this.points = this.program(POINT_VERTEX, POINT_FRAGMENT);
    this.shade = this.program(SHADE_VERTEX, SHADE_FRAGMENT);
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    [cloud.points, cloud.shapes, cloud.colors].forEach((values, i) => {
      const at = [0, 2, 1][i]; // colours last: `upload` finds their buffer bound
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, 3, at ? gl.UNSIGNED_BYTE : gl.FLOAT, at > 0, 0, 0);
    });
    this.empty = gl.createVertexArray();
    this.frame = gl.createFramebuffer();
    this.width = 0;
  }

  program(vertex, fragment) {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(gl.getProgramInfoLog(program) || "a shader does not compile");
    }
    return program;
  }

  upload() {
    this.gl.bufferSubData(this.gl.ARRAY_BUFFER, 0, this.cloud.colors);
  }

  resize(width, height) {
    const { gl } = this;
    if (this.width === width && this.height === height) return;
    [this.width, this.height] = [this.canvas.width, this.canvas.height] = [width, height];
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    this.attach(gl.COLOR_ATTACHMENT0, gl.TEXTURE0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE);
    const [kind, type] = [gl.DEPTH_COMPONENT, gl.UNSIGNED_INT];
    this.attach(gl.DEPTH_ATTACHMENT, gl.TEXTURE1, gl.DEPTH_COMPONENT24, kind, type);
  }

  attach(point, unit, stored, format, type) {
    const { gl } = this;
    gl.activeTexture(unit);
    gl.deleteTexture(gl.getParameter(gl.TEXTURE_BINDING_2D));
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, stored, this.width, this.height, 0, format, type, null);
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
      gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
    }
    for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
      gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
    }
    gl.framebufferTexture2D(gl.FRAMEBUFFER, point, gl.TEXTURE_2D, texture, 0);
  }

  draw(camera, { size, ceiling, open, width, height }) {
    const { gl } = this;
    if (gl.isContextLost()) return;
    this.resize(Math.round(width * this.scale), Math.round(height * this.scale));
    gl.viewport(0, 0, this.width, this.height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.enable(gl.DEPTH_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    let at = this.use(this.points);
    camera.rows().forEach((row, i) => gl.uniform4fv(at(["viewX", "viewY", "viewZ"][i]), row));
    gl.uniform2fv(at("range"), camera.range());
    gl.uniform3fv(at("eye"), camera.eye());
    gl.uniform1i(at("open"), open);
    gl.uniform1f(at("size"), size * this.cloud.largest * FOCAL * this.height / 2);
    gl.uniform1f(at("ceiling"), Math.min(ceiling, 1e30));
    gl.bindVertexArray(this.array);
    gl.drawArrays(gl.POINTS, 0, this.cloud.count);

    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.disable(gl.DEPTH_TEST);
    at = this.use(this.shade);
    gl.uniform1i(at("colors"), 0);
    gl.uniform1i(at("depths"), 1);
    gl.uniform2fv(at("range"), camera.range());
    gl.uniform1f(at("reach"), 1.4 * this.scale);
    gl.bindVertexArray(this.empty);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // Draws with a program from now on; returns where its uniforms are.
  use(program) {
    this.gl.useProgram(program);
    return (name) => this.gl.getUniformLocation(program, name);
  }
}
