// The map: one point a scenario, drawn on a canvas, so that ten thousand follow the hand. One stop for the tab key,
// arrows from point to point; what is pointed at is told beside it and, to a screen reader, in a line of its own.
const REACH = 14; // pixels from a point within which it is meant
const CLOSEST = 40; // times that the map can be enlarged
const spoken = (scene) => `${shorten(scene.situation, 120)} ${Math.round(100 * scene.differ)} % of pairs of voices differ`;

function setUpMap() {
  const controls = byId('map-controls');
  const scenes = data.scenes.filter((scene) => scene.x !== null);
  if (!controls) return;
  if (!scenes.length) {
    byId('map').hidden = true;
    document.querySelector('.rail a[href="#map"]').parentElement.hidden = true;
    return;
  }
  const plot = byId('map-plot');
  const canvas = el('canvas', { 'aria-hidden': 'true' });
  plot.setAttribute('aria-label', `Map of ${plural(scenes.length, 'scenario')}: arrow keys go from one to the next, Page Down and Page Up through all, Enter opens it, plus and minus enlarge`);
  const ring = el('span', { class: 'map-ring', 'aria-hidden': 'true' });
  plot.append(canvas, ring);
  const pen = canvas.getContext('2d');
  const span = (values) => [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const [[left, right], [low, high]] = [span(scenes.map((scene) => scene.x)), span(scenes.map((scene) => scene.y))];
  const at = scenes.map((scene) => [right > left ? (scene.x - left) / (right - left) : 0.5, high > low ? (high - scene.y) / (high - low) : 0.5]);
  const view = { zoom: 1, x: 0, y: 0, width: 1, height: 1, size: 1 };
  const inside = new Uint8Array(scenes.length);
  let looks = [];
  let stamps = new Map();
  let pictures = [];
  let matches = []; // the places of those that match, in the order of the list
  let current = -1; // the one that is pointed at, among those that match
  let drawing = 0;

  const placeOf = (i) => [18 + (view.width - 36) * at[i][0] * view.zoom + view.x, 18 + (view.height - 36) * at[i][1] * view.zoom + view.y];
  const redraw = () => { drawing = drawing || requestAnimationFrame(draw); };

  // A point's picture, made once: its colours are read from the style sheet, which knows light, dark and paper.
  function stamp(colour, shape) {
    const name = `${colour} ${shape}`;
    if (stamps.has(name)) return stamps.get(name);
    const probe = el('i', { class: `probe ${colour}` });
    plot.append(probe);
    const style = getComputedStyle(probe);
    const scale = devicePixelRatio * view.size;
    const made = el('canvas', { width: Math.ceil(20 * scale), height: Math.ceil(20 * scale) });
    const ink = made.getContext('2d');
    ink.setTransform(scale, 0, 0, scale, made.width / 2, made.height / 2);
    ink.fillStyle = style.fill;
    ink.fill(new Path2D(SHAPES[shape]));
    ink.strokeStyle = style.stroke;
    ink.stroke(new Path2D(SHAPES[shape]));
    probe.remove();
    stamps.set(name, made);
    return made;
  }

  function draw() {
    drawing = 0;
    const ratio = devicePixelRatio;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    for (const shown of [0, 1]) {
      pen.globalAlpha = shown ? 1 : 0.12;
      for (let i = scenes.length - 1; i >= 0; i--) {
        if (inside[i] !== shown) continue;
        const [x, y] = placeOf(i);
        if (x < -20 || y < -20 || x > view.width + 20 || y > view.height + 20) continue;
        const made = pictures[i] || (pictures[i] = stamp(...looks[i]));
        pen.drawImage(made, x * ratio - made.width / 2, y * ratio - made.height / 2);
      }
    }
    encircle();
  }

  // What is pointed at is an element above the points: nothing is drawn anew when the hand moves.
  function encircle() {
    ring.hidden = current < 0;
    if (current < 0) return;
    const [x, y] = placeOf(current);
    ring.style.transform = `translate(${x}px, ${y}px)`;
  }

  function repaint() {
    [stamps, pictures] = [new Map(), []];
    redraw();
  }

  function fit() {
    view.width = plot.clientWidth;
    view.height = Math.max(300, Math.min(540, view.width * 0.62));
    view.size = Math.max(0.5, Math.min(1.15, Math.sqrt(500 / scenes.length)));
    canvas.width = Math.round(view.width * devicePixelRatio);
    canvas.height = Math.round(view.height * devicePixelRatio);
    canvas.style.width = `${view.width}px`;
    canvas.style.height = `${view.height}px`;
    repaint();
    move(0, 0);
  }

  // However it is moved or enlarged, the map fills its frame.
  function move(dx, dy) {
    const hold = (value, room) => Math.min(0, Math.max(room - 36 - (room - 36) * view.zoom, value));
    view.x = hold(view.x + dx, view.width);
    view.y = hold(view.y + dy, view.height);
    redraw();
  }

  function enlarge(times, [x, y] = [view.width / 2, view.height / 2]) {
    const zoom = Math.min(CLOSEST, Math.max(1, view.zoom * times));
    const by = zoom / view.zoom;
    view.zoom = zoom;
    plot.classList.toggle('zoomed', zoom > 1);
    move((1 - by) * (x - 18 - view.x), (1 - by) * (y - 18 - view.y));
  }

  function filter() {
    const wanted = asked(controls);
    const colour = COLOURS[controls.elements.colour.value];
    scenes.forEach((scene, i) => { inside[i] = wanted(scene) ? 1 : 0; });
    matches = scenes.map((_, i) => i).filter((i) => inside[i]);
    [looks, pictures] = [scenes.map(colour.of), []];
    const [shown, all] = [matches.length, plural(scenes.length, 'scenario')];
    byId('map-count').textContent = !shown ? 'No scenario matches. Try fewer words or another choice.'
      : shown === scenes.length ? `${all} on the map` : `${number(shown)} of ${all} match`;
    byId('map-list').textContent = shown === scenes.length ? 'List them below' : `List ${shown === 1 ? 'this' : 'these'} ${number(shown)} below`;
    byId('map-list').hidden = !shown;
    byId('map-previous').hidden = byId('map-next').hidden = shown < 2;
    byId('map-legend-title').textContent = colour.title;
    byId('map-legend').replaceChildren(...colour.legend().map(([kind, shape, label]) => el('span', {},
      mark('svg', { class: 'key-point', viewBox: '-8 -8 16 16', 'aria-hidden': 'true' }, mark('path', { class: `point ${kind}`, d: SHAPES[shape] })), label)));
    if (current < 0 || !inside[current]) show(shown ? matches[0] : -1);
    mapTable(matches.map((i) => scenes[i]));
    redraw();
  }

  function show(i) {
    current = i;
    encircle();
    if (i < 0) return byId('map-said').replaceChildren(el('p', { class: 'muted' }, 'No scenario matches.'));
    const scene = scenes[i];
    return byId('map-said').replaceChildren(sceneMeta(scene).line, el('p', { class: 'situation', dir: 'auto' }, shorten(scene.situation, 420)),
      el('ul', { class: 'votes' }, [...byRole(scene)].map(([name, answers]) => el('li', {}, el('span', {}, name), el('span', {}, answers.map(pill))))));
  }

  // Point at one, bring it into the frame and say what it is.
  function goTo(i) {
    show(i);
    const [x, y] = placeOf(i);
    move(Math.max(0, 20 - x) - Math.max(0, x - view.width + 20), Math.max(0, 20 - y) - Math.max(0, y - view.height + 20));
    byId('map-spoken').textContent = spoken(scenes[i]);
  }

  // Arrows follow the eye and may pass a point by; in the order of the list each is reached.
  function step(by) {
    goTo(matches[(matches.indexOf(current) + by + matches.length) % matches.length]);
  }

  function walk(dx, dy) {
    const [x, y] = placeOf(current);
    let [best, least] = [current, Infinity];
    for (let j = 0; j < scenes.length; j++) {
      const [px, py] = placeOf(j);
      const [a, b] = [px - x, py - y];
      const along = a * dx + b * dy;
      const cost = along + 2.5 * Math.abs(a * dy - b * dx);
      if (inside[j] && along > 0 && cost < least) [best, least] = [j, cost];
    }
    goTo(best);
  }

  function nearest(event) {
    const frame = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    let [best, least] = [-1, REACH * REACH];
    for (let i = 0; i < scenes.length; i++) {
      const [px, py] = placeOf(i);
      const far = (px - x) ** 2 + (py - y) ** 2;
      if (inside[i] && far < least) [best, least] = [i, far];
    }
    return best;
  }

  let held = null; // where the hand took hold, and whether it has dragged the map since
  canvas.addEventListener('pointerdown', (event) => { held = { x: event.clientX, y: event.clientY, dragged: false }; });
  addEventListener('pointerup', () => { if (held && !held.dragged) held = null; });
  canvas.addEventListener('pointermove', (event) => {
    if (held && event.buttons && view.zoom > 1) {
      const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
      if (!held.dragged && Math.hypot(dx, dy) < 4) return;
      canvas.setPointerCapture(event.pointerId);
      held = { x: event.clientX, y: event.clientY, dragged: true };
      move(dx, dy);
      return;
    }
    const i = nearest(event);
    canvas.classList.toggle('over', i >= 0);
    if (i >= 0 && i !== current) show(i);
  });
  canvas.addEventListener('click', (event) => {
    const i = nearest(event);
    const dragged = held && held.dragged;
    held = null;
    if (i < 0 || dragged) return;
    const again = i === current;
    show(i);
    if (again || event.pointerType !== 'touch') openScene(scenes[i], plot); // a finger points first, then opens
  });
  canvas.addEventListener('dblclick', (event) => {
    const frame = canvas.getBoundingClientRect();
    if (nearest(event) < 0) enlarge(2, [event.clientX - frame.left, event.clientY - frame.top]);
  });
  const keys = {
    ArrowLeft: () => walk(-1, 0), ArrowRight: () => walk(1, 0), ArrowUp: () => walk(0, -1), ArrowDown: () => walk(0, 1),
    PageDown: () => step(1), PageUp: () => step(-1), Home: () => goTo(matches[0]), End: () => goTo(matches[matches.length - 1]),
    Enter: () => openScene(scenes[current], plot), ' ': () => openScene(scenes[current], plot),
    '+': () => enlarge(1.6, placeOf(current)), '=': () => enlarge(1.6, placeOf(current)), '-': () => enlarge(1 / 1.6, placeOf(current)), 0: () => enlarge(0),
  };
  plot.addEventListener('keydown', (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    if (current >= 0) keys[event.key]();
    event.preventDefault();
  });
  byId('map-in').addEventListener('click', () => enlarge(1.6));
  byId('map-out').addEventListener('click', () => enlarge(1 / 1.6));
  byId('map-previous').addEventListener('click', () => step(-1));
  byId('map-next').addEventListener('click', () => step(1));
  byId('map-whole').addEventListener('click', () => enlarge(0));
  byId('map-list').addEventListener('click', () => {
    ask(listControls, questions(controls));
    filterList();
    writeAddress('scenarios', '', address().section !== 'scenarios');
    byId('list-count').focus({ preventScroll: true });
    jump(byId('scenarios'));
  });
  for (const media of ['(prefers-color-scheme: dark)', 'print']) {
    matchMedia(media).addEventListener('change', () => { repaint(); draw(); });
  }
  whenAsked(controls, filter);
  new ResizeObserver(fit).observe(plot);
  filter();
  fit();
  addEventListener('pageshow', filter); // a browser may have filled the form as it was left
}
setUpMap();
