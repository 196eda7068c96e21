// The list of scenarios: filtered at once, drawn a dozen at a time when the reader asks for more. It does not grow by
// itself, or what stands below it would move away from whoever is on the way there.
const STEP = 12;
const listControls = byId('list-controls');
let matching = data.scenes;
let drawn = 0;
let drawnFor = null; // the questions that the list answers, as in the address

function drawMore() {
  const sought = soughtIn(listControls);
  const next = matching.slice(drawn, drawn + STEP);
  byId('list').append(...next.map((scene, i) => sceneCard(scene, sought, drawn + i + 1)));
  drawn += next.length;
  byId('list-more').hidden = drawn >= matching.length;
}

function filterList() {
  matching = data.scenes.filter(asked(listControls));
  drawnFor = questions(listControls).toString();
  byId('list-count').textContent = !data.scenes.length ? 'No scenario is in the set.'
    : matching.length === data.scenes.length ? plural(matching.length, 'scenario')
      : matching.length ? `${plural(matching.length, 'scenario')} of ${number(data.scenes.length)}` : 'No scenario matches. Try fewer words or another choice.';
  byId('list-printed').textContent = matching.length > STEP ? `The first ${STEP} of ${plural(matching.length, 'scenario')} are printed.` : '';
  byId('list').replaceChildren();
  drawn = 0;
  drawMore();
}

listControls.hidden = !data.scenes.length;
whenAsked(listControls, () => {
  filterList();
  writeAddress('scenarios', '', false);
});
byId('list-more').addEventListener('click', drawMore);
