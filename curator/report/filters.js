// Which scenarios a form asks for: the same questions above the map and above the list.
function chosen(form, name) {
  const field = form.elements[name];
  return field && field.value !== '' ? Number(field.value) : null;
}

// Which decisions met each answer, as places in `data.reasons`.
const metById = new Map();
data.reasons.forEach((reason, place) => {
  for (const row of reason.rows) metById.set(row.id, [...(metById.get(row.id) || []), place]);
});

// The words that must all occur, in any order.
const soughtIn = (form) => form.elements.query.value.toLowerCase().split(/\s+/).filter((word) => word);

function asked(form) {
  const [role, verdict, split, domain, team] = ['role', 'verdict', 'split', 'domain', 'team'].map((name) => chosen(form, name));
  const decision = form.elements.decision ? form.elements.decision.value : '';
  const contested = form.elements.contested && form.elements.contested.checked;
  const sought = soughtIn(form);
  const fits = (answer) => (role === null || answer.role === role) && (verdict === null || answer.verdict === verdict)
    && (split === null || answer.split === split);
  const anyFits = role === null && verdict === null && split === null;
  return (scene) => (domain === null || scene.domain === domain)
    && (team === null || scene.teams.includes(team))
    && (!contested || scene.contested)
    && decided(scene, decision, fits, anyFits)
    && sought.every((word) => says(scene, word));
}

// The answer sought is one: what is asked of it and the decision must meet in it, whether it stayed or left. Only
// "nothing" is said of the whole scenario: that no answer of it was touched.
function decided(scene, decision, fits, anyFits) {
  if (decision === '' || decision === 'none') {
    return (decision === '' || !scene.met.length) && (anyFits || scene.answers.some(fits));
  }
  const place = Number(decision);
  if (anyFits) return scene.met.includes(place);
  const all = [...scene.answers, ...scene.left.map(([id]) => data.lost[id])];
  return all.some((answer) => fits(answer) && (metById.get(answer.id) || []).includes(place));
}

// An id is found by its beginning, and only where nobody could mean a word by it: "bed" is no id.
function says(scene, word) {
  return haystack(scene).includes(word) || (/^[0-9a-f]{6,}$/.test(word)
    && [scene.id, ...scene.answers.map((answer) => answer.id), ...scene.left.map(([id]) => id)].some((id) => id.startsWith(word)));
}

const haystacks = new Map();
function haystack(scene) {
  if (!haystacks.has(scene)) {
    haystacks.set(scene, [scene.situation, scene.context, ...scene.answers.map((answer) => answer.analysis)].join('\n').toLowerCase());
  }
  return haystacks.get(scene);
}

// A form's questions as they stand in the page's address, and back again.
function questions(form) {
  const said = new URLSearchParams();
  for (const field of form.elements) {
    if (!field.name) continue;
    const value = field.type === 'checkbox' ? (field.checked ? '1' : '') : field.value.trim();
    if (value) said.set(field.name, value);
  }
  return said;
}

function ask(form, said) {
  for (const field of form.elements) {
    const value = (field.name && said.get(field.name)) || '';
    if (field.type === 'checkbox') field.checked = value !== '';
    else if (field.name) field.value = value;
    if (field.selectedIndex === -1) field.selectedIndex = 0; // asked for what this set does not have
  }
}

// What is typed is looked for when the hand rests, what is chosen at once.
function whenAsked(form, act) {
  let waiting = 0;
  form.addEventListener('input', (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(act, event.target.type === 'search' ? 120 : 0);
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(act));
}
