// The map: one point a scenario, drawn on a canvas, so that ten thousand follow the hand. One stop for the tab key,
// arrows from point to point; what is pointed at is told beside it and, to a screen reader, in a line of its own.
const SHAPES = [
  'M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0Z',
  'M-5-5H5V5H-5Z',
  'M0-6.5L6.3 4.8H-6.3Z',
  'M0-7L7 0L0 7L-7 0Z',
];
const REACH = 14; // pixels from a point within which it is meant
const CLOSEST = 40; // times that the map can be enlarged
const LEVELS = ['none', 'up to 25 %', 'up to 50 %', 'up to 75 %', 'more'];
const shorten = (text, most) => (text.length > most ? `${text.slice(0, most).trimEnd()}…` : text);
const spoken = (scene) => `${shorten(scene.situation, 120)} ${Math.round(100 * scene.differ)} % of pairs of voices differ`;
const most = (scene) => data.verdicts[Math.round(scene.gravity)].at;

// By what the points are coloured: for each scenario a class and a shape, and what the legend says of them.
const COLOURS = {
  contested: {
    title: 'Share of pairs of voices that differ',
    of: (scene) => [`level${Math.ceil(scene.differ * 4 - 1e-9)}`, 0],
    legend: () => LEVELS.map((label, i) => [`level${i}`, 0, label]),
  },
  verdict: {
    title: 'Verdict, by the mean of all voices',
    of: (scene) => [`point-v${most(scene)}`, most(scene) % 4],
    legend: () => data.verdicts.map((one) => [`point-v${one.at}`, one.at % 4, one.label]),
  },
  domain: {
    title: 'Domain',
    of: (scene) => (scene.domain >= 0 ? [`kind${scene.domain % 8}`, scene.domain % 4] : ['kindx', 0]),
    legend: () => data.domains.map((one, i) => [`kind${i % 8}`, i % 4, one.label]),
  },
  split: {
    title: 'Split',
    of: (scene) => (scene.answers[0].split >= 0 ? [`kind${scene.answers[0].split % 8}`, scene.answers[0].split % 4] : ['kindx', 0]),
    legend: () => data.splits.map((one, i) => [`kind${i % 8}`, i % 4, one.label]),
  },
};

function setUpMap() {
  const controls = byId('map-controls');
  const scenes = data.scenes.filter((scene) => scene.x !== null);
  if (!controls || !scenes.length) return;
  const plot = byId('map-plot');
  const canvas = el('canvas', { 'aria-hidden': 'true' });
  plot.setAttribute('aria-label', `Map of ${plural(scenes.length, 'scenario')}: arrow keys go from one to the next, Enter opens it, plus and minus enlarge`);
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
  let current = 0;
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
    let shown = 0;
    scenes.forEach((scene, i) => { shown += inside[i] = wanted(scene) ? 1 : 0; });
    [looks, pictures] = [scenes.map(colour.of), []];
    byId('map-count').textContent = shown === scenes.length ? `${plural(shown, 'scenario')} on the map` : `${number(shown)} of ${plural(scenes.length, 'scenario')} match`;
    byId('map-list').textContent = shown === scenes.length ? 'List them below' : `List these ${number(shown)} below`;
    byId('map-legend-title').textContent = colour.title;
    byId('map-legend').replaceChildren(...colour.legend().map(([kind, shape, label]) => el('span', {},
      mark('svg', { class: 'key-point', viewBox: '-8 -8 16 16', 'aria-hidden': 'true' }, mark('path', { class: `point ${kind}`, d: SHAPES[shape] })), label)));
    redraw();
  }

  function show(i) {
    current = i;
    const scene = scenes[i];
    byId('map-said').replaceChildren(sceneMeta(scene).line, el('p', { class: 'situation', dir: 'auto' }, shorten(scene.situation, 420)),
      el('ul', { class: 'votes' }, [...byRole(scene)].map(([name, answers]) => el('li', {}, el('span', {}, name), el('span', {}, answers.map(pill))))));
    encircle();
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
    show(best);
    const [px, py] = placeOf(best);
    move(Math.max(0, 20 - px) - Math.max(0, px - view.width + 20), Math.max(0, 20 - py) - Math.max(0, py - view.height + 20));
    byId('map-spoken').textContent = spoken(scenes[best]);
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
    Enter: () => openScene(scenes[current], plot), ' ': () => openScene(scenes[current], plot),
    '+': () => enlarge(1.6, placeOf(current)), '=': () => enlarge(1.6, placeOf(current)), '-': () => enlarge(1 / 1.6, placeOf(current)), 0: () => enlarge(0),
  };
  plot.addEventListener('keydown', (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    keys[event.key]();
    event.preventDefault();
  });
  byId('map-in').addEventListener('click', () => enlarge(1.6));
  byId('map-out').addEventListener('click', () => enlarge(1 / 1.6));
  byId('map-whole').addEventListener('click', () => enlarge(0));
  byId('map-list').addEventListener('click', () => {
    ask(listControls, questions(controls));
    filterList();
    byId('scenarios').scrollIntoView();
    byId('list-count').focus();
  });
  for (const media of ['(prefers-color-scheme: dark)', 'print']) {
    matchMedia(media).addEventListener('change', () => { repaint(); draw(); });
  }
  whenAsked(controls, filter);
  new ResizeObserver(fit).observe(plot);
  filter();
  fit();
  show(0);
}
setUpMap();

function table(head, rows) {
  return el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table' }, el('table', {},
    el('thead', {}, el('tr', {}, head.map((name) => el('th', { scope: 'col' }, name)))),
    el('tbody', {}, rows)));
}

function paged(holder, items, row, head, size) {
  let done = 0;
  const body = table(head, []);
  const more = el('button', { type: 'button', class: 'more' }, 'Show more rows');
  const next = () => {
    body.querySelector('tbody').append(...items.slice(done, done + size).map(row));
    done += size;
    more.hidden = done >= items.length;
  };
  more.addEventListener('click', next);
  holder.replaceChildren(body, more);
  next();
}

if (byId('map-table')) {
  byId('map-table').addEventListener('toggle', () => {
    const row = (scene) => el('tr', {},
      el('td', { dir: 'auto' }, shorten(scene.situation, 110)), el('td', {}, labelOf(data.domains, scene.domain)),
      el('td', { class: 'n' }, `${Math.round(100 * scene.differ)} %`), el('td', { class: 'n' }, String(scene.answers.length)),
      el('td', { class: 'n' }, `${scene.x}, ${scene.y}`));
    paged(byId('map-table').querySelector('.rows'), data.scenes, row, ['Situation', 'Domain', 'Pairs that differ', 'Answers', 'Place (x, y)'], 100);
  }, { once: true });
}
