// One scenario in a window of its own, with the ones before and after it in the list.
let cameFrom = null; // what had the focus, and gets it back

let shownScene = null;
let among = []; // the list it was opened from, or all where that list does not have it

function showScene(scene) {
  const dialog = byId('dialog');
  if (!dialog.open) among = matching.includes(scene) ? matching : data.scenes;
  shownScene = scene;
  byId('dialog-body').replaceChildren(sceneCard(scene, []));
  byId('dialog-title').textContent = `Scenario ${number(among.indexOf(scene) + 1)} of ${number(among.length)}`;
  byId('dialog-previous').hidden = byId('dialog-next').hidden = among.length < 2;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

// Opened by hand a scenario is a step that Back takes back; the next one in the same window is not one more.
function openScene(scene, from) {
  cameFrom = from;
  showScene(scene);
  writeAddress(address().section, scene.id, true);
}

function turn(by) {
  showScene(among[(among.indexOf(shownScene) + by + among.length) % among.length]);
  writeAddress(address().section, shownScene.id, false);
}

byId('dialog-previous').addEventListener('click', () => turn(-1));
byId('dialog-next').addEventListener('click', () => turn(1));
byId('dialog-close').addEventListener('click', () => byId('dialog').close());
byId('dialog').addEventListener('click', (event) => event.target === byId('dialog') && byId('dialog').close());
byId('dialog').addEventListener('close', () => {
  shownScene = null;
  if (cameFrom && cameFrom.focus) cameFrom.focus({ preventScroll: true });
  cameFrom = null;
  if (!address().asked.has('open')) return; // Back has closed it
  if (history.state && history.state.opened) history.back();
  else writeAddress(address().section, '', false);
});

for (const button of document.querySelectorAll('[data-open]')) {
  const scene = data.scenes[Number(button.dataset.open)];
  button.setAttribute('aria-label', `open the scenario: ${shorten(scene.situation, 60)}`);
  button.addEventListener('click', () => openScene(scene, button));
}
