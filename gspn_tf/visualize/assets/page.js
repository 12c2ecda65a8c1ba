// The page: layers, their rows, settings, and the address's hash.
//
// #layer=instances&select=3&view=top&renderer=canvas&theme=... chooses what is shown;
// <body data-...> says what was drawn, for tests.

const $ = (id) => document.getElementById(id);
const status = document.body.dataset;
status.errors = "0";
for (const kind of ["error", "securitypolicyviolation", "unhandledrejection"]) {
  window.addEventListener(kind, (event) => {
    status.errors = String(+status.errors + 1);
    status.error = event.message || event.violatedDirective || String(event.reason);
  });
}

const scene = JSON.parse($("scene").textContent);
const layers = scene.layers.map((layer) => ({
  ...layer,
  labels: layer.labels ? wordsOf(layer.labels) : null,
  colors: layer.colors ? bytesOf(layer.colors) : null,
}));
const cloud = new Cloud(scene);
const camera = new Camera(cloud);
const overlay = new Overlay($("overlay"));
const asked = () => new URLSearchParams(location.hash.slice(1));
const state = { layer: layers[0], selected: -1, hovered: -1 };
const renderer = makeRenderer();

function makeRenderer() {
  const canvas = $("view");
  if (asked().get("renderer") !== "canvas") {
    try {
      const made = new WebGLRenderer(canvas, cloud);
      canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
      canvas.addEventListener("webglcontextrestored", () => { made.prepare(); paint(); });
      status.renderer = "webgl";
      return made;
    } catch (error) {
      status.fallback = error.message;
      if (canvas.getContext("webgl2")) canvas.replaceWith(canvas.cloneNode());
    }
  }
  status.renderer = "canvas";
  return new RasterRenderer($("view"), cloud);
}

// ---- drawing ----

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

function draw() {
  const { clientWidth: width, clientHeight: height } = $("stage");
  if (!width || !height) return;
  camera.aspect = width / height;
  const options = drawing();
  renderer.draw(camera, options);
  overlay.begin(camera, width, height);
  const active = activeRow();
  if (state.layer.kind === "boxes") {
    status.boxes = overlay.boxes(state.layer.rows, active, +$("score").value);
  }
  overlay.highlight(state.layer.rows[active]);
  overlay.scale();
  report(options);
}

// What to draw, and how large.
function drawing() {
  const { clientWidth: width, clientHeight: height } = $("stage");
  const cut = +$("cut").value;
  const ceiling = cut < 1 ? cloud.bottom + cut * (cloud.top - cloud.bottom) : Infinity;
  return { size: +$("size").value, open: $("open").checked, ceiling, width, height };
}

function report(options) {
  status.points = cloud.count;
  status.drawn = cloud.drawn(camera, options);
  status.layer = state.layer.id;
  status.selected = state.selected;
  status.camera = [camera.yaw, camera.pitch, camera.distance, ...camera.target]
    .map((value) => value.toFixed(4)).join(" ");
  status.requests = performance.getEntriesByType("resource").length;
  status.ready = "true";
}

function paint() {
  cloud.paint(state.layer, activeRow());
  renderer.upload();
  redraw();
}

function activeRow() {
  return state.hovered >= 0 ? state.hovered : state.selected;
}

// ---- layers and rows ----

function choose(layer) {
  if (layer !== state.layer) state.selected = -1;
  state.layer = layer;
  state.hovered = -1;
  for (const button of $("layers").children) {
    button.setAttribute("aria-pressed", String(button.value === layer.id));
  }
  for (const element of document.querySelectorAll(".scored")) {
    element.hidden = layer.kind !== "boxes";
  }
  listRows();
  paint();
}

function select(row) {
  state.selected = row === state.selected ? -1 : row;
  markRows();
  remember();
  paint();
}

function listRows() {
  const { layer } = state;
  const rows = layer.rows.map((row, index) => ({ ...row, index }))
    .filter((row) => row.points !== 0);
  $("heading").textContent = headingOf(layer, rows.length);
  $("rows").replaceChildren(...rows.map(rowElement));
  markRows();
}

function headingOf(layer, count) {
  if (layer.of) return `${count.toLocaleString("en")} best of ${layer.of.toLocaleString("en")} proposals`;
  if (layer.kind === "labels") return `${count} ${layer.noun}`;
  return "";
}

function rowElement(row) {
  const button = document.createElement("button");
  button.type = "button";
  button.value = row.index;
  const add = (kind, text) => {
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = text;
    button.append(span);
    return span;
  };
  if (row.color) add("swatch", "").style.background = row.color;
  add("name", row.name);
  if (row.score !== undefined) add("figure", row.score.toFixed(2)).title = "score";
  if (row.points !== undefined) add("figure", row.points.toLocaleString("en")).title = "points";
  const hover = (index) => () => { state.hovered = index; paint(); };
  button.addEventListener("pointerenter", hover(row.index));
  button.addEventListener("pointerleave", hover(-1));
  button.addEventListener("click", () => { state.hovered = -1; select(row.index); });
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function markRows() {
  for (const button of document.querySelectorAll("#rows button")) {
    const pressed = +button.value === state.selected;
    button.setAttribute("aria-pressed", String(pressed));
    if (pressed) button.scrollIntoView({ block: "nearest" });
  }
}

function pick(x, y) {
  const { layer } = state;
  const point = cloud.pick(camera, x, y, 9, drawing());
  const row = point >= 0 && layer.labels ? layer.labels[point] - 1 : -1;
  if (row >= 0 || state.selected >= 0) select(row);
  const tip = $("tip");
  tip.hidden = row < 0 || state.selected < 0;
  if (tip.hidden) return;
  tip.textContent = layer.rows[row].name;
  tip.style.left = `${Math.min(x + 12, $("stage").clientWidth - 120)}px`;
  tip.style.top = `${y + 8}px`;
}

// ---- the address, buttons and keys ----

function remember() {
  const hash = asked();
  hash.set("layer", state.layer.id);
  if (state.selected >= 0) hash.set("select", state.selected);
  else hash.delete("select");
  history.replaceState(null, "", `#${hash}`);
}

function follow() {
  const hash = asked();
  choose(layers.find((layer) => layer.id === hash.get("layer")) || state.layer);
  const row = hash.has("select") ? +hash.get("select") : -1;
  state.selected = state.layer.rows[row] ? row : -1;
  if (VIEWS[hash.get("view")]) camera.reset(hash.get("view"));
  markRows();
  paint();
}

function addLayerButton(layer) {
  const button = document.createElement("button");
  button.type = "button";
  button.value = layer.id;
  button.textContent = layer.label;
  button.addEventListener("click", () => { choose(layer); remember(); });
  $("layers").append(button);
}

function describe() {
  const [shown, total] = [cloud.count, scene.total].map((n) => n.toLocaleString("en"));
  $("about").textContent = cloud.count < scene.total
    ? `${shown} of ${total} points shown (random subset)` : `${total} points`;
}

layers.forEach(addLayerButton);
describe();
for (const id of ["size", "cut", "score", "open"]) $(id).addEventListener("input", redraw);
for (const button of document.querySelectorAll("[data-view]")) {
  button.addEventListener("click", () => { camera.reset(button.dataset.view); redraw(); });
}
attachControls($("view"), camera, () => { $("tip").hidden = true; redraw(); }, pick);
document.addEventListener("keydown", (event) => {
  const layer = layers[+event.key - 1];
  if (event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape") { state.hovered = -1; if (state.selected >= 0) select(-1); }
  else if (layer) { choose(layer); remember(); }
});
window.addEventListener("hashchange", follow);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
new ResizeObserver(redraw).observe($("stage"));
camera.aspect = $("stage").clientWidth / Math.max(1, $("stage").clientHeight);
camera.reset();
follow();
draw();
