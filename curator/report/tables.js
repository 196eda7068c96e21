// Tables too long to be drawn at once.
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

// The scenarios that match on the map, drawn only when the reader opens the table.
let onTheMap = [];
function mapTable(matches) {
  if (matches) onTheMap = matches;
  if (!byId('map-table').open) return;
  const row = (scene) => el('tr', {},
    el('td', { dir: 'auto' }, shorten(scene.situation, 110)), el('td', {}, labelOf(data.domains, scene.domain)),
    el('td', { class: 'n' }, `${Math.round(100 * scene.differ)} %`), el('td', { class: 'n' }, String(scene.answers.length)),
    el('td', { class: 'n' }, `${scene.x}, ${scene.y}`));
  paged(byId('map-table').querySelector('.rows'), onTheMap, row, ['Situation', 'Domain', 'Pairs that differ', 'Answers', 'Place (x, y)'], 100);
}
if (byId('map-table')) byId('map-table').addEventListener('toggle', () => mapTable());
