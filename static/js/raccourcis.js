// Raccourcis clavier de la file et du dossier. Ils déplacent le focus ou suivent un lien : rien qui ne soit à l'écran.
// Jamais dans un champ, ni avec Ctrl, Alt ou Cmd ; l'agent les coupe, et ce navigateur s'en souvient (WCAG 2.1.4).

const aide = document.querySelector("[data-raccourcis]");
const interrupteur = aide.querySelector("[data-raccourcis-actifs]");
const cle = `raccourcis:${aide.dataset.raccourcis}`;
const lignes = [...document.querySelectorAll("table.dossiers tbody th a")];

const garde = () => {
  try {
    return localStorage.getItem(cle);
  } catch {
    return null;
  }
};
interrupteur.checked = garde() !== "non";
interrupteur.closest("[hidden]").hidden = false;
interrupteur.addEventListener("change", () => {
  try {
    localStorage.setItem(cle, interrupteur.checked ? "oui" : "non");
  } catch {
    // Un navigateur qui ne garde rien : le choix vaut pour cette page.
  }
});

const rang = () => lignes.indexOf(document.activeElement?.closest("tr")?.querySelector("th a"));
const aller = (pas) => {
  const ici = rang();
  lignes[ici < 0 ? 0 : Math.min(Math.max(ici + pas, 0), lignes.length - 1)]?.focus();
};
const suivre = (sens) => document.querySelector(`main a[rel="${sens}"]`)?.click();

const GESTES = {
  j: () => aller(1),
  k: () => aller(-1),
  o: () => lignes[rang()]?.click(),
  n: () => suivre("next"),
  p: () => suivre("prev"),
  "/": () => {
    const recherche = document.getElementById("recherche-dossier");
    recherche?.focus();
    recherche?.select();
  },
  "?": () => {
    aide.open = !aide.open;
    aide.querySelector("summary").focus();
  },
};
const FLECHES = { ArrowDown: GESTES.j, ArrowUp: GESTES.k };

document.addEventListener("keydown", (evenement) => {
  const { key, target, ctrlKey, altKey, metaKey } = evenement;
  if (evenement.defaultPrevented || evenement.isComposing || ctrlKey || altKey || metaKey) return;
  if (!interrupteur.checked || target.closest("input, select, textarea, [contenteditable]")) return;
  // Les flèches ne changent de ligne que depuis une ligne : ailleurs, elles font défiler la page.
  const geste = Object.hasOwn(GESTES, key) ? GESTES[key] : lignes.includes(target) ? FLECHES[key] : undefined;
  if (!geste) return;
  evenement.preventDefault();
  geste();
});
