// One scenario with every perspective on it.
const LONG = 1200; // characters shown before "show all"

function found(text, sought) {
  if (!sought.length) return [text];
  const plain = sought.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).sort((a, b) => b.length - a.length);
  return text.split(new RegExp(`(${plain.join('|')})`, 'giu')).map((part, i) => (i % 2 ? el('mark', {}, part) : part));
}

function words(text, sought, kind) {
  const body = el('p', { class: kind || 'text', dir: 'auto' });
  if (text.length <= LONG) return fill(body, {}, found(text, sought));
  const all = el('button', { type: 'button', class: 'inline' }, `Show all ${number(text.length)} characters`);
  all.addEventListener('click', () => body.replaceChildren(...found(text, sought)));
  return fill(body, {}, [found(text.slice(0, LONG), sought), '… ', all]);
}

// The words of one text that another lacks, by the longest common subsequence of words; only for texts of some length.
function contrasted(text, other) {
  const [mine, theirs] = [text.split(/(\s+)/), other.split(/\s+/)];
  const said = mine.filter((_, i) => i % 2 === 0);
  if (said.length > 400 || theirs.length > 400) return [text];
  const length = Array.from({ length: said.length + 1 }, () => new Uint16Array(theirs.length + 1));
  for (let i = said.length - 1; i >= 0; i--) {
    for (let j = theirs.length - 1; j >= 0; j--) {
      length[i][j] = said[i] === theirs[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const parts = [];
  let j = 0;
  said.forEach((word, i) => {
    while (j < theirs.length && said[i] !== theirs[j] && length[i][j + 1] > length[i + 1][j]) j++;
    const same = j < theirs.length && said[i] === theirs[j];
    parts.push(same || !word ? word : el('span', { class: 'differs' }, word), mine[2 * i + 1] || '');
    if (same) j++;
  });
  return parts;
}

function pill(answer) {
  const label = labelOf(data.verdicts, answer.verdict, answer.verdictName);
  return el('span', { class: `pill v${answer.verdict >= 0 ? answer.verdict : 'x'}` }, label);
}

function dots(severity) {
  if (severity === null || severity === undefined) return null;
  const scale = data.severity;
  if (!scale || scale.most - scale.least > 9) return el('span', { class: 'severity' }, `severity ${severity}`);
  const said = `severity ${severity} of ${scale.least} to ${scale.most}`;
  const row = el('span', { class: 'severity', role: 'img', 'aria-label': said, title: said });
  for (let n = scale.least; n <= scale.most; n++) row.append(el('i', { class: n <= severity ? 'on' : '' }));
  return row;
}

function answerView(answer, sought, split, other) {
  const foot = [];
  if (answer.voices > 1) foot.push(el('span', { class: 'voices' }, plural(answer.voices, 'voice')));
  if (answer.origin) foot.push(el('span', {}, answer.origin === 'model' ? 'written by a model' : 'edited from a model'));
  if (split && answer.split >= 0) foot.push(el('span', {}, data.splits[answer.split].label));
  for (const [name, value] of answer.more || []) foot.push(el('span', {}, `${name}: ${value}`));
  return el('div', { class: `answer v${answer.verdict >= 0 ? answer.verdict : 'x'}` },
    el('p', { class: 'judged' }, pill(answer), dots(answer.severity)),
    answer.analysis === null
      ? el('p', { class: 'muted' }, 'Its words are not here: it left before personal data were taken out. They stay in the store.')
      : other ? el('p', { class: 'text', dir: 'auto' }, contrasted(answer.analysis, other)) : words(answer.analysis, sought),
    answer.rejected ? el('details', {}, el('summary', {}, 'rejected wording'), words(answer.rejected, sought)) : null,
    foot.length ? el('p', { class: 'foot' }, foot) : null);
}

function meter(scene) {
  const said = scene.answers.length > 1 ? `${Math.round(100 * scene.differ)} % of pairs of voices differ` : 'one voice';
  return el('span', { class: 'meter' },
    mark('svg', { class: 'meter-bar', 'aria-hidden': 'true' }, mark('rect', { class: 'rest', width: '100%', height: '100%' }),
      mark('rect', { class: 'level', width: `${100 * scene.differ}%`, height: '100%' })), said);
}

function sceneMeta(scene) {
  const splits = new Set(scene.answers.map((answer) => answer.split));
  return {
    one: splits.size === 1,
    line: el('p', { class: 'meta' },
      scene.domain >= 0 ? el('span', {}, data.domains[scene.domain].label) : null,
      splits.size === 1 && scene.answers[0].split >= 0
        ? el('span', { title: data.splits[scene.answers[0].split].about }, data.splits[scene.answers[0].split].label) : null,
      meter(scene),
      el('code', {}, scene.id)),
  };
}

function byRole(scene) {
  const roles = new Map();
  for (const answer of scene.answers) {
    const name = labelOf(data.roles, answer.role, answer.roleName);
    roles.set(name, [...(roles.get(name) || []), answer]);
  }
  return roles;
}

function sceneCard(scene, sought, place) {
  const meta = sceneMeta(scene);
  const views = [...byRole(scene)].map(([role, answers]) => el('div', { class: 'view', role: 'group', 'aria-label': role },
    el('h4', {}, role), answers.map((answer) => answerView(answer, sought, !meta.one))));
  return el('article', { class: 'scene' },
    el('h3', { class: 'hidden' }, place ? `Scenario ${place}` : 'What was asked, and every answer'),
    meta.line,
    words(scene.situation, sought, 'situation'),
    scene.context ? el('div', { class: 'context' }, el('b', {}, 'Context'), words(scene.context, sought)) : null,
    el('div', { class: 'views' }, views), leftOf(scene));
}

// The answers of a scenario that are not in the set, each with its reason: their words are fetched when asked for.
function leftOf(scene) {
  if (!scene.left.length) return null;
  const reasons = [...new Set(scene.left.map(([, place]) => data.reasons[place].reason))].join(', ');
  const details = el('details', { class: 'left-answers' }, el('summary', {}, `${plural(scene.left.length, 'answer')} left: ${reasons}`));
  details.addEventListener('toggle', () => details.append(el('div', { class: 'views' }, scene.left.map(([id, place]) => {
    const answer = data.lost[id];
    return el('div', { class: 'view' }, el('h4', {}, labelOf(data.roles, answer.role, answer.roleName), ' ', el('small', {}, data.reasons[place].reason)), answerView(answer, [], false));
  }))), { once: true });
  return details;
}
