// Which scenarios a form asks for: the same questions above the map and above the list.
function chosen(form, name) {
  const field = form.elements[name];
  return field && field.value !== '' ? Number(field.value) : null;
}

// The answer sought is one: the role, the verdict and the split that are asked for must meet in it.
function asked(form) {
  const [role, verdict, split, domain, team] = ['role', 'verdict', 'split', 'domain', 'team'].map((name) => chosen(form, name));
  const decision = form.elements.decision ? form.elements.decision.value : '';
  const contested = form.elements.contested && form.elements.contested.checked;
  const query = form.elements.query.value.trim().toLowerCase();
  return (scene) => (domain === null || scene.domain === domain)
    && (team === null || scene.teams.includes(team))
    && (decision === '' || (decision === 'none' ? !scene.met.length : scene.met.includes(Number(decision))))
    && (!contested || scene.contested)
    && ((role === null && verdict === null && split === null) || scene.answers.some((answer) => (role === null || answer.role === role)
      && (verdict === null || answer.verdict === verdict) && (split === null || answer.split === split)))
    && (!query || haystack(scene).includes(query));
}

const haystacks = new Map();
function haystack(scene) {
  if (!haystacks.has(scene)) {
    haystacks.set(scene, [scene.id, scene.situation, scene.context,
      ...scene.answers.flatMap((answer) => [answer.id, answer.analysis])].join('\n').toLowerCase());
  }
  return haystacks.get(scene);
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
