// The list of scenarios: filtered at once, drawn a dozen at a time as the reader comes near its end.
const STEP = 12;
const listControls = byId('list-controls');
let matching = data.scenes;
let drawn = 0;

function drawMore() {
  const sought = soughtIn(listControls);
  const next = matching.slice(drawn, drawn + STEP);
  byId('list').append(...next.map((scene, i) => sceneCard(scene, sought, drawn + i + 1)));
  drawn += next.length;
  byId('list-more').hidden = drawn >= matching.length;
}

function filterList() {
  matching = data.scenes.filter(asked(listControls));
  byId('list-count').textContent = matching.length === data.scenes.length
    ? plural(matching.length, 'scenario')
    : matching.length ? `${plural(matching.length, 'scenario')} of ${number(data.scenes.length)}` : 'No scenario matches. Try fewer words or another choice.';
  byId('list').replaceChildren();
  drawn = 0;
  drawMore();
}

whenAsked(listControls, filterList);
byId('list-more').addEventListener('click', drawMore);
// Only the first screens come by themselves: what stands below the list must stay in reach.
new IntersectionObserver((entries) => entries[0].isIntersecting && drawn < 3 * STEP && drawn > 0 && drawn < matching.length && drawMore(),
  { rootMargin: '300px' }).observe(byId('list-more'));
filterList();
