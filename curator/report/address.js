// The page's address holds the section, what the list is asked, and the scenario that is open, as in
// #scenarios?role=1&open=3ffc8b44478a7279: it can be sent to a colleague, reloaded, and gone back from.
function address() {
  const [section, asked] = location.hash.slice(1).split('?');
  return { section, asked: new URLSearchParams(asked || '') };
}

function writeAddress(section, open, push) {
  const asked = questions(listControls);
  if (open) asked.set('open', open);
  const hash = `#${section}${asked.toString() ? `?${asked}` : ''}`;
  const state = { opened: open !== '' && (push || Boolean(history.state && history.state.opened)) };
  try {
    history[push ? 'pushState' : 'replaceState'](state, '', hash);
  } catch {
    // Shown inside another page the report may have no address: then it goes without.
  }
}

// The page as its address says. Also after a browser has filled the forms as they were left.
function restore() {
  const { asked } = address();
  ask(listControls, asked);
  if (drawnFor !== questions(listControls).toString()) filterList();
  const scene = scenesById.get(asked.get('open'));
  if (scene && scene !== shownScene) showScene(scene);
  if (!scene && byId('dialog').open) byId('dialog').close();
}

// To a section, and held there while what stands above it grows or shrinks, until the reader moves.
let release = () => {};
function jump(target) {
  release();
  const go = () => target.scrollIntoView();
  const hold = new ResizeObserver(go);
  const moves = ['wheel', 'touchstart', 'keydown', 'pointerdown'];
  release = () => {
    hold.disconnect();
    for (const move of moves) removeEventListener(move, release);
  };
  for (const move of moves) addEventListener(move, release, { passive: true });
  setTimeout(release, 2000);
  go();
  hold.observe(byId('main'));
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="#"]');
  const target = link && byId(link.hash.slice(1));
  if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  writeAddress(target.id, '', target.id !== address().section);
  target.tabIndex = -1; // the next tab goes on from here
  target.focus({ preventScroll: true });
  jump(target);
});

// In the rail the section that is read is marked, and in sight where the rail is longer than the screen is wide.
const rail = document.querySelector('.rail ol');
const links = new Map([...rail.querySelectorAll('a')].map((a) => [a.hash.slice(1), a]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    const link = links.get(entry.target.id);
    for (const other of links.values()) other.removeAttribute('aria-current');
    link.setAttribute('aria-current', 'true');
    const [frame, place] = [rail.getBoundingClientRect(), link.getBoundingClientRect()];
    rail.scrollLeft += place.left + place.width / 2 - frame.left - frame.width / 2;
  }
}, { rootMargin: '-15% 0px -75% 0px' });
for (const id of links.keys()) seen.observe(byId(id));

addEventListener('popstate', () => {
  release(); // the browser goes back to where the reader was
  restore();
});
addEventListener('pageshow', restore);
restore();
// Where the browser does not put the page back where it was, the address says where to begin.
const [visit] = performance.getEntriesByType('navigation');
if (byId(address().section) && !(visit && visit.type !== 'navigate')) jump(byId(address().section));
