// Attend qu'un document, ou l'image d'une page, soit rendu : interroge son adresse, sans la charger, puis la montre.
// Recharger annulerait le lien que la personne vient de suivre, sur un réseau lent : on la laisse partir.
const PAUSE = 2000, ESSAIS = 60, DEPART = 20000;
let dernierDepart = -DEPART;
addEventListener("beforeunload", () => { dernierDepart = Date.now(); });
const onPart = () => Date.now() - dernierDepart < DEPART;

async function estPret(adresse) {
  const reponse = await fetch(adresse, { method: "HEAD", credentials: "same-origin", cache: "no-store" });
  return reponse.status === 200;
}

async function attendre(adresse, quandPret) {
  for (let essai = 0; essai < ESSAIS; essai += 1) {
    await new Promise((suite) => setTimeout(suite, PAUSE));
    try {
      if (!onPart() && await estPret(adresse) && !onPart()) { quandPret(); return; }
    } catch { /* le réseau revient au prochain essai */ }
  }
}

for (const page of document.querySelectorAll("[data-attente]")) {
  attendre(page.dataset.attente, () => window.location.replace(page.dataset.attente));
}
if (document.querySelector("[data-document-attendu]")) {
  attendre(document.querySelector("[data-document-attendu]").href, () => window.location.reload());
}
for (const image of document.querySelectorAll("[data-image-attendue]")) {
  attendre(image.dataset.imageAttendue, () => window.location.reload());
}
