// Les petits gestes communs à toutes les pages. Chacun a son équivalent sans JavaScript.

// Le menu de l'en-tête : un lien vers « #menu » devient un bouton qui ouvre et ferme le panneau.
const lien = document.querySelector("[data-menu]");
const panneau = document.getElementById("menu");
if (lien && panneau) {
  const bouton = document.createElement("button");
  bouton.type = "button";
  bouton.className = lien.className;
  bouton.append(...lien.childNodes);
  bouton.setAttribute("aria-expanded", "false");
  bouton.setAttribute("aria-controls", panneau.id);
  lien.replaceWith(bouton);
  const montrer = (ouvert) => {
    bouton.setAttribute("aria-expanded", String(ouvert));
    panneau.classList.toggle("entete__panneau--ouvert", ouvert);
  };
  bouton.addEventListener("click", () => montrer(bouton.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", (evenement) => {
    if (evenement.key !== "Escape" || bouton.getAttribute("aria-expanded") !== "true") return;
    montrer(false);
    bouton.focus();
  });
  if (location.hash === "#menu") montrer(true);
  document.querySelectorAll(".fr-skiplinks a").forEach((acces) => {
    if (["#menu", "#recherche"].includes(acces.hash)) acces.addEventListener("click", () => montrer(true));
  });
}

// Les menus déroulants (langue, compte) se ferment par Échap et au clic ailleurs.
const deroulants = [...document.querySelectorAll("[data-deroulant]")];
document.addEventListener("click", ({ target }) => {
  for (const deroulant of deroulants) if (deroulant.open && !deroulant.contains(target)) deroulant.open = false;
});
document.addEventListener("keydown", ({ key, target }) => {
  if (key !== "Escape") return;
  for (const deroulant of deroulants) {
    if (!deroulant.open) continue;
    deroulant.open = false;
    if (deroulant.contains(target)) deroulant.querySelector("summary").focus();
  }
});

// Le résumé des erreurs prend le focus au chargement.
document.querySelector("[data-resume-erreurs]")?.focus();

// « Afficher » le mot de passe.
for (const caseAfficher of document.querySelectorAll("[data-affiche]")) {
  const champ = document.getElementById(caseAfficher.dataset.affiche);
  caseAfficher.addEventListener("change", () => {
    champ.type = caseAfficher.checked ? "text" : "password";
  });
  // À l'envoi, le champ redevient un mot de passe : le navigateur ne le garde pas dans ses suggestions.
  champ?.form?.addEventListener("submit", () => {
    champ.type = "password";
  });
}

// Un lien vers une réponse repliée (« #ephoto ») l'ouvre.
const ouvrirAncre = () => {
  const cible = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (cible instanceof HTMLDetailsElement && "ancre" in cible.dataset) {
    cible.open = true;
    cible.scrollIntoView();
  }
};
window.addEventListener("hashchange", ouvrirAncre);
ouvrirAncre();
