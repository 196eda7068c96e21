// The strip of verdicts: pointed at with the hand, or walked with the arrow keys, one stop a lane for the tab key.
const lanes = document.querySelector('.lanes');
const stripSpoken = el('p', { class: 'hidden', 'aria-live': 'polite' });

function light(at) {
  for (const cell of lanes.querySelectorAll('.lit')) cell.classList.remove('lit');
  for (const cell of lanes.querySelectorAll(`[data-scene="${Number(at)}"]`)) cell.classList.add('lit');
  byId('strip-said').textContent = data.scenes[Number(at)].situation;
}

function setUpLane(lane) {
  const columns = [...new Set([...lane.querySelectorAll('[data-scene]')].map((cell) => cell.dataset.scene))];
  if (!columns.length) return;
  const name = lane.closest('.lane').querySelector('.lane-name').textContent;
  lane.setAttribute('tabindex', 0);
  lane.setAttribute('role', 'application');
  lane.setAttribute('aria-roledescription', 'lane');
  lane.setAttribute('aria-label', `${lane.getAttribute('aria-label')}. Arrow keys go from column to column, Enter opens it`);
  const goTo = (at) => {
    const scene = data.scenes[Number(at)];
    const said = scene.answers.filter((answer) => labelOf(data.roles, answer.role, answer.roleName) === name);
    light(at);
    stripSpoken.textContent = `${said.map((answer) => labelOf(data.verdicts, answer.verdict, answer.verdictName)).join(', ')}. ${shorten(scene.situation, 120)}`;
  };
  const lit = () => columns.indexOf((lane.querySelector('.lit') || { dataset: {} }).dataset.scene);
  const step = (by) => goTo(columns[Math.min(columns.length - 1, Math.max(0, lit() + by))]);
  const keys = {
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), Home: () => goTo(columns[0]), End: () => goTo(columns[columns.length - 1]),
    Enter: () => lit() >= 0 && openScene(data.scenes[Number(columns[lit()])], lane),
  };
  lane.addEventListener('keydown', (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    keys[event.key]();
    event.preventDefault();
  });
  lane.addEventListener('focus', () => { if (lit() < 0) goTo(columns[0]); });
}

if (data.scenes.length) {
  lanes.after(stripSpoken);
  for (const lane of lanes.querySelectorAll('.lane-strip')) setUpLane(lane);
  byId('strip-said').textContent = 'Point at a column to read it, or go through a lane with the arrow keys; click, or press Enter, to open it.';
} else {
  lanes.closest('.strip').hidden = true;
}
lanes.addEventListener('click', (event) => {
  const at = event.target.dataset.scene;
  if (at !== undefined) openScene(data.scenes[Number(at)], event.target.closest('.lane-strip'));
});
lanes.addEventListener('pointerover', (event) => {
  const at = event.target.dataset.scene;
  if (at !== undefined) light(at);
});
