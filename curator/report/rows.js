// Rows behind a reason, and pairs to look at: each answer beside the one that explains it.
function whole(id, title, otherId) {
  const known = answersById.get(id);
  if (!known) return el('div', { class: 'view' }, el('h4', {}, title), el('p', { class: 'muted' }, 'Not shown here: ', el('code', {}, id)));
  const { answer, scene } = known;
  const other = answersById.has(otherId) ? answersById.get(otherId).answer.analysis : '';
  const role = labelOf(data.roles, answer.role, answer.roleName);
  const view = el('div', { class: 'view' }, el('h4', {}, title, ' ', el('small', {}, role)), answerView(answer, [], true, other));
  const about = scene || scenesById.get(answer.scenario);
  if (about) {
    const open = el('button', { type: 'button', class: 'inline', 'aria-label': `open the scenario: ${title}, ${shorten(about.situation, 60)}` }, 'open the scenario');
    open.addEventListener('click', () => openScene(about, open));
    view.append(el('p', { class: 'foot' }, open, el('code', {}, id)));
  } else {
    if (answer.situation) view.append(el('details', {}, el('summary', {}, 'the situation'), words(answer.situation, [])));
    view.append(el('p', { class: 'foot' }, el('code', {}, id)));
  }
  return view;
}

const NAMES = { drop: 'Left', edit: 'As it is now', flag: 'Flagged, in the set' };

function reasonRow(reason, row, place) {
  return el('article', { class: 'row' }, el('h3', { class: 'hidden' }, `Row ${place}: ${reason.reason}`), el('p', { class: 'because', dir: 'auto' }, row.because),
    el('div', { class: 'views' }, whole(row.id, NAMES[reason.action] || 'Row', row.twin), row.twin ? whole(row.twin, answersById.has(row.twin) && answersById.get(row.twin).scene ? 'Kept' : 'Explained by', row.id) : null));
}

for (const details of document.querySelectorAll('details.reason')) {
  details.addEventListener('toggle', () => {
    const reason = data.reasons[Number(details.dataset.reason)];
    const holder = details.querySelector('.rows');
    const more = el('button', { type: 'button', class: 'more' }, 'Show more rows');
    let done = 0;
    const next = () => {
      more.before(...reason.rows.slice(done, done + 10).map((row, i) => reasonRow(reason, row, done + i + 1)));
      done += 10;
      more.hidden = done >= reason.rows.length;
      if (more.hidden && reason.count > reason.rows.length) {
        holder.append(el('p', { class: 'muted' }, `And ${plural(reason.count - reason.rows.length, 'more row')}: see decisions.parquet.`));
      }
    };
    more.addEventListener('click', next);
    holder.append(more);
    next();
  }, { once: true });
}

function pairCard(pair) {
  return el('article', { class: 'row' },
    el('p', { class: 'because' }, el('b', {}, pair.alike.toFixed(3)), ' alike · ', pair.why),
    el('div', { class: 'views' }, whole(pair.a, pair.kind === 'merged' ? 'Merged into the other' : 'One', pair.b), whole(pair.b, pair.kind === 'merged' ? 'Kept' : 'Other', pair.a)));
}

function pairList(holder, pairs, nothing) {
  if (!pairs.length) return holder.append(el('p', { class: 'muted' }, nothing));
  holder.append(...pairs.slice(0, 2).map(pairCard));
  const rest = pairs.slice(2);
  if (!rest.length) return undefined;
  const more = el('button', { type: 'button', class: 'more' }, `Show ${rest.length} more`);
  more.addEventListener('click', () => more.replaceWith(...rest.map(pairCard)));
  return holder.append(more);
}

pairList(byId('pairs-merged'), data.pairs.filter((pair) => pair.kind === 'merged'), 'Nothing was merged.');
pairList(byId('pairs-apart'), data.pairs.filter((pair) => pair.kind !== 'merged'), 'No two answers that were kept come close to each other.');

if (data.together.length) {
  const situation = (id) => (scenesById.has(id) ? el('p', { class: 'text', dir: 'auto' }, scenesById.get(id).situation) : el('p', {}, el('code', {}, id)));
  const details = el('details', { class: 'table' },
    el('summary', {}, `${plural(data.together.length, 'pair')} of scenarios that tell of one event, kept in one split`));
  details.addEventListener('toggle', () => details.append(...data.together.map((pair) => el('article', { class: 'row' },
    el('p', { class: 'because' }, el('b', {}, pair.alike.toFixed(3)), ' alike'),
    el('div', { class: 'views' }, el('div', { class: 'view' }, situation(pair.a)), el('div', { class: 'view' }, situation(pair.b)))))), { once: true });
  byId('together').append(details);
}
