// The map: one point a scenario. One stop for the tab key, arrows from point to point.
const SHAPES = [
  'M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0Z',
  'M-5-5H5V5H-5Z',
  'M0-6.5L6.3 4.8H-6.3Z',
  'M0-7L7 0L0 7L-7 0Z',
];
const LEVELS = ['none', 'up to 25 %', 'up to 50 %', 'up to 75 %', 'more'];
const levelOf = (scene) => Math.ceil(scene.differ * 4 - 1e-9);

function setUpMap() {
  const controls = byId('map-controls');
  if (!controls) return;
  const plot = byId('map-plot');
  const scenes = data.scenes.filter((scene) => scene.x !== null);
  if (!scenes.length) return;
  const xs = scenes.map((scene) => scene.x);
  const ys = scenes.map((scene) => scene.y);
  const span = (values) => [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const [[left, right], [low, high]] = [span(xs), span(ys)];
  const svg = mark('svg', { class: 'map-svg', role: 'group', 'aria-label': `Map of ${scenes.length} scenarios` });
  const points = scenes.map((scene, i) => {
    const point = mark('path', { class: 'point', tabindex: i ? -1 : 0, role: 'button', 'aria-label': spoken(scene) });
    point.dataset.at = i;
    return point;
  });
  svg.append(...points);
  plot.append(svg);
  const at = [];

  function place() {
    const width = plot.clientWidth;
    const height = Math.max(300, Math.min(540, width * 0.62));
    const edge = 18;
    const size = Math.max(0.5, Math.min(1.15, Math.sqrt(500 / scenes.length))).toFixed(2);
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.setAttribute('height', height);
    scenes.forEach((scene, i) => {
      at[i] = [edge + (width - 2 * edge) * (right > left ? (scene.x - left) / (right - left) : 0.5),
        edge + (height - 2 * edge) * (high > low ? (high - scene.y) / (high - low) : 0.5)];
      points[i].setAttribute('transform', `translate(${at[i][0].toFixed(1)} ${at[i][1].toFixed(1)}) scale(${size})`);
    });
  }

  function draw() {
    const contested = controls.elements.colour.value === 'contested';
    const role = chosen(controls, 'role');
    const verdict = chosen(controls, 'verdict');
    const split = chosen(controls, 'split');
    const domain = chosen(controls, 'domain');
    let shown = 0;
    scenes.forEach((scene, i) => {
      const inside = (domain === null || scene.domain === domain) && scene.answers.some((answer) =>
        (role === null || answer.role === role) && (verdict === null || answer.verdict === verdict) && (split === null || answer.split === split));
      shown += inside;
      const colour = contested ? `level${levelOf(scene)}` : scene.domain >= 0 ? `kind${scene.domain % 8}` : 'kindx';
      points[i].setAttribute('class', `point ${colour}${inside ? '' : ' faded'}`);
      points[i].setAttribute('d', SHAPES[contested || scene.domain < 0 ? 0 : scene.domain % 4]);
    });
    byId('map-count').textContent = shown === scenes.length ? `${plural(shown, 'scenario')} on the map` : `${number(shown)} of ${plural(scenes.length, 'scenario')} match the filters`;
    const named = contested ? LEVELS.map((label, i) => [`level${i}`, 0, label])
      : data.domains.map((one, i) => [`kind${i % 8}`, i % 4, one.label]);
    byId('map-legend-title').textContent = contested ? 'Share of pairs of voices that differ' : 'Domain';
    byId('map-legend').replaceChildren(...named.map(([colour, shape, label]) => el('span', {},
      mark('svg', { class: 'key-point', viewBox: '-8 -8 16 16', 'aria-hidden': 'true' }, mark('path', { class: `point ${colour}`, d: SHAPES[shape] })), label)));
  }

  let current = 0;
  function show(i) {
    points[current].classList.remove('current');
    points[current].setAttribute('tabindex', -1);
    current = i;
    points[i].classList.add('current');
    points[i].setAttribute('tabindex', 0);
    const scene = scenes[i];
    byId('map-said').replaceChildren(sceneMeta(scene).line, el('p', { class: 'situation', dir: 'auto' }, shorten(scene.situation, 420)),
      el('ul', { class: 'votes' }, [...byRole(scene)].map(([name, answers]) => el('li', {}, el('span', {}, name), el('span', {}, answers.map(pill))))));
  }

  function nearest(i, dx, dy) {
    let best = i;
    let least = Infinity;
    at.forEach(([x, y], j) => {
      const [a, b] = [x - at[i][0], y - at[i][1]];
      const along = a * dx + b * dy;
      const cost = along + 2.5 * Math.abs(a * dy - b * dx);
      if (j !== i && along > 0 && cost < least && !points[j].classList.contains('faded')) [best, least] = [j, cost];
    });
    return best;
  }

  const pointOf = (event) => (event.target.dataset.at === undefined ? -1 : Number(event.target.dataset.at));
  svg.addEventListener('pointerover', (event) => pointOf(event) >= 0 && show(pointOf(event)));
  svg.addEventListener('focusin', (event) => pointOf(event) >= 0 && show(pointOf(event)));
  svg.addEventListener('click', (event) => pointOf(event) >= 0 && openScene(scenes[pointOf(event)], event.target));
  svg.addEventListener('keydown', (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (pointOf(event) < 0) return;
    if (way) points[nearest(pointOf(event), ...way)].focus();
    else if (event.key === 'Enter' || event.key === ' ') openScene(scenes[pointOf(event)], event.target);
    else return;
    event.preventDefault();
  });
  controls.addEventListener('input', draw);
  controls.addEventListener('submit', (event) => event.preventDefault());
  new ResizeObserver(place).observe(plot);
  place();
  draw();
  show(0);
}

const shorten = (text, most) => (text.length > most ? `${text.slice(0, most).trimEnd()}…` : text);
const spoken = (scene) => `${shorten(scene.situation, 120)} ${Math.round(100 * scene.differ)} % of pairs of voices differ`;
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
