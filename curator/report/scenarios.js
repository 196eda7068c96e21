// The list of scenarios: filtered at once, drawn a dozen at a time as the reader comes near its end.
const STEP = 12;
const listControls = byId('list-controls');
let matching = data.scenes;
let drawn = 0;

const haystacks = new Map();
function haystack(scene) {
  if (!haystacks.has(scene)) {
    haystacks.set(scene, [scene.id, scene.situation, scene.context,
      ...scene.answers.flatMap((answer) => [answer.id, answer.analysis])].join('\n').toLowerCase());
  }
  return haystacks.get(scene);
}

function chosen(form, name) {
  const field = form.elements[name];
  return field && field.value !== '' ? Number(field.value) : null;
}

const queryNow = () => listControls.elements.query.value.trim().toLowerCase();

function drawMore() {
  const query = queryNow();
  const next = matching.slice(drawn, drawn + STEP);
  byId('list').append(...next.map((scene, i) => sceneCard(scene, query, drawn + i + 1)));
  drawn += next.length;
  byId('list-more').hidden = drawn >= matching.length;
}

function filterList() {
  const query = queryNow();
  const domain = chosen(listControls, 'domain');
  const split = chosen(listControls, 'split');
  const contested = listControls.elements.contested.checked;
  matching = data.scenes.filter((scene) => (domain === null || scene.domain === domain)
    && (split === null || scene.answers.some((answer) => answer.split === split))
    && (!contested || scene.contested)
    && (!query || haystack(scene).includes(query)));
  byId('list-count').textContent = matching.length === data.scenes.length
    ? plural(matching.length, 'scenario')
    : matching.length ? `${plural(matching.length, 'scenario')} of ${number(data.scenes.length)}` : 'No scenario matches. Try fewer words or another domain.';
  byId('list').replaceChildren();
  drawn = 0;
  drawMore();
}

let waiting = 0;
listControls.addEventListener('input', () => {
  clearTimeout(waiting);
  waiting = setTimeout(filterList, 120);
});
listControls.addEventListener('submit', (event) => event.preventDefault());
byId('list-more').addEventListener('click', drawMore);
// Only the first screens come by themselves: what stands below the list must stay in reach.
new IntersectionObserver((entries) => entries[0].isIntersecting && drawn < 3 * STEP && drawn > 0 && drawn < matching.length && drawMore(),
  { rootMargin: '300px' }).observe(byId('list-more'));
filterList();
