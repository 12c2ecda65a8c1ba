// Mouse, touch and keyboard for the camera.

const KEY_TURN = 0.09;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// `changed` is told of every move; `picked(x, y)` of a click or tap that moved nothing.
function attachControls(canvas, camera, changed, picked) {
  const fingers = new Map();
  let travelled = 0;
  let sliding = false;

  canvas.addEventListener("pointerdown", (event) => {
    canvas.focus({ preventScroll: true });
    if (event.isTrusted) canvas.setPointerCapture(event.pointerId);
    if (!fingers.size) travelled = 0;
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    sliding = event.button > 0 || event.shiftKey;
  });

  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    travelled += Math.abs(dx) + Math.abs(dy);
    const height = canvas.clientHeight || 1;
    if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const span = ([x, y]) => Math.max(8, Math.hypot(x - other[0], y - other[1]));
      camera.zoom(span(before) / span(now));
      camera.pan(dx / height / 2, dy / height / 2);
    } else if (sliding) {
      camera.pan(dx / height, dy / height);
    } else if (fingers.size === 1) {
      camera.turn(-dx * 0.007, dy * 0.007);
    }
    fingers.set(event.pointerId, now);
    changed();
  });

  const release = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (event.type === "pointerup" && !fingers.size && travelled < 5) {
      const { left, top } = canvas.getBoundingClientRect();
      picked(event.clientX - left, event.clientY - top);
    }
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode ? 18 : 1;
    camera.zoom(Math.exp(Math.max(-240, Math.min(240, event.deltaY * lines)) * 0.0015));
    changed();
  }, { passive: false });

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow && event.shiftKey) camera.pan(-arrow[0] * 0.04, -arrow[1] * 0.04);
    else if (arrow) camera.turn(arrow[0] * KEY_TURN, -arrow[1] * KEY_TURN);
    else if (event.key === "+" || event.key === "=") camera.zoom(0.9);
    else if (event.key === "-" || event.key === "−") camera.zoom(1 / 0.9);
    else if (event.key === "0") camera.reset();
    else return;
    event.preventDefault();
    changed();
  });
}
