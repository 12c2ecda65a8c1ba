// The page: layers, their rows and settings. An address with #layer=instances opens it.

const $ = (id) => document.getElementById(id);
const scene = JSON.parse($("scene").textContent);
const layers = scene.layers.map((layer) => ({
  ...layer,
  labels: layer.labels && wordsOf(layer.labels),
  colors: layer.colors && bytesOf(layer.colors),
}));
const cloud = new Cloud(scene);
const camera = new Camera(cloud);
const overlay = new Overlay($("overlay"));
const state = { layer: layers[0], selected: -1 };
const renderer = makeRenderer();
if (!renderer) return; // the still picture stays

function makeRenderer() {
  try {
    const made = new WebGLRenderer($("view"), cloud);
    $("view").addEventListener("webglcontextlost", (event) => event.preventDefault());
    $("view").addEventListener("webglcontextrestored", () => { made.prepare(); paint(); });
    $("still").remove();
    for (const part of ["main", "aside"]) document.querySelector(part).hidden = false;
    return made;
  } catch (error) {
    console.warn(error.message);
    return null;
  }
}

// ---- drawing ----

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

function draw() {
  const options = drawing();
  if (!options.width || !options.height) return;
  camera.aspect = options.width / options.height;
  renderer.draw(camera, options);
  overlay.begin(camera, options.width, options.height);
  const { rows, labels } = state.layer;
  if (!labels) overlay.boxes(rows, state.selected, +$("score").value);
  overlay.highlight(rows[state.selected]);
  overlay.scale();
  const { yaw, pitch, distance, target } = camera;
  document.body.dataset.camera = JSON.stringify({ yaw, pitch, distance, target }); // for tests
}

// How to draw, and how large.
function drawing() {
  const { clientWidth: width, clientHeight: height } = $("stage");
  const cut = +$("cut").value;
  const ceiling = cut < 1 ? cloud.bottom + cut * (cloud.top - cloud.bottom) : Infinity;
  return { size: +$("size").value, open: $("open").checked, ceiling, width, height };
}

function paint() {
  cloud.paint(state.layer, state.selected);
  renderer.upload();
  redraw();
}

// ---- layers and rows ----

function choose(layer) {
  if (layer !== state.layer) state.selected = -1;
  state.layer = layer;
  for (const button of $("layers").children) {
    button.setAttribute("aria-pressed", String(button.value === layer.id));
  }
  for (const element of document.querySelectorAll(".scored")) {
    element.hidden = layer.labels || !layer.rows.length;
  }
  $("heading").textContent = layer.heading;
  $("rows").replaceChildren($(`rows-${layer.id}`).content.cloneNode(true));
  markRows();
  paint();
}

function select(row) {
  state.selected = row === state.selected ? -1 : row;
  markRows();
  paint();
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
}

// ---- buttons and keys ----

for (const button of $("layers").children) {
  button.addEventListener("click", () => choose(layers.find(({ id }) => id === button.value)));
}
$("rows").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) select(+button.value);
});
for (const id of ["size", "cut", "score", "open"]) $(id).addEventListener("input", redraw);
for (const button of document.querySelectorAll("[data-view]")) {
  button.addEventListener("click", () => { camera.reset(button.dataset.view); redraw(); });
}
attachControls($("view"), camera, redraw, pick);
document.addEventListener("keydown", (event) => {
  const layer = layers[+event.key - 1];
  if (event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape") select(-1);
  else if (layer) choose(layer);
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
new ResizeObserver(redraw).observe($("stage"));
camera.aspect = $("stage").clientWidth / Math.max(1, $("stage").clientHeight);
camera.reset();
const asked = new URLSearchParams(location.hash.slice(1)).get("layer");
const named = (id) => layers.find((layer) => layer.id === id);
choose(named(asked) || named(scene.opens) || layers[0]);
draw();
