// Pièces : chaque fichier choisi part seul, avec son avancement ; la page garde tout le reste tel quel.
const formulaire = document.querySelector("[data-pieces]");
const enVol = new Set(); // les envois en cours, chacun une promesse : vraie si tout est arrivé

function ligne(envois, nom) {
  const element = document.createElement("p");
  const texte = document.createElement("span");
  const barre = document.createElement("progress");
  barre.max = 100;
  barre.setAttribute("aria-label", nom);
  element.append(texte, " ", barre);
  envois.append(element);
  return {
    avance(part) {
      barre.value = Math.round(part * 100);
      texte.textContent = part < 1 ? `${nom} : ${Math.round(part * 100)} %` : `${nom} : ${formulaire.dataset.verification}`;
    },
    echec(reessayer) {
      barre.remove();
      texte.textContent = `${nom} : ${formulaire.dataset.echec} `;
      const bouton = document.createElement("button");
      bouton.type = "button";
      bouton.className = "fr-btn fr-btn--sm fr-btn--secondary";
      bouton.textContent = formulaire.dataset.reessayer;
      bouton.addEventListener("click", () => { element.remove(); reessayer(); });
      element.append(bouton);
    },
    fin() { element.remove(); },
  };
}

function envoyer(piece, fichier, remplace) {
  return new Promise((resoudre) => {
    const suivi = ligne(piece.querySelector("[data-envois]"), fichier.name);
    const donnees = new FormData();
    donnees.append("fichier", fichier);
    if (remplace) donnees.append("remplace", remplace);
    const requete = new XMLHttpRequest();
    requete.open("POST", piece.dataset.url);
    requete.setRequestHeader("X-CSRFToken", formulaire.querySelector("[name=csrfmiddlewaretoken]").value);
    requete.upload.addEventListener("progress", (e) => { if (e.lengthComputable) suivi.avance(e.loaded / e.total); });
    const rate = () => { suivi.echec(() => suivre(() => envoyer(piece, fichier, remplace))); resoudre(false); };
    requete.addEventListener("error", rate);
    requete.addEventListener("timeout", rate);
    requete.addEventListener("load", () => {
      if (requete.status !== 200 && requete.status !== 422) { rate(); return; }
      suivi.fin();
      const attente = [...piece.querySelectorAll("[data-envois] > p")];
      // On ne ramène à cette pièce que la personne qui y est encore, pas celle qui remplit déjà la suivante.
      const presente = piece.querySelector("[data-fichiers]").contains(document.activeElement);
      const erreurs = [...piece.querySelectorAll("[data-fichiers] .fr-message--error")].map((e) => e.textContent);
      piece.querySelector("[data-fichiers]").innerHTML = requete.responseText;
      piece.querySelector("[data-envois]").append(...attente);
      piece.classList.toggle("piece--erreur", requete.status === 422 || (erreurs.length > 0 && attente.length > 0));
      brancher(piece);
      if (presente) piece.focus({ preventScroll: true });
      resoudre(requete.status === 200);
    });
    suivi.avance(0);
    requete.send(donnees);
  });
}

function suivre(envoi) {
  const promesse = envoi();
  enVol.add(promesse);
  promesse.finally(() => enVol.delete(promesse));
}

// Un bouton de la page attend les fichiers en route : partir les perdrait.
async function patienter(evenement) {
  if (!enVol.size) return;
  evenement.preventDefault();
  const { submitter } = evenement;
  const message = formulaire.querySelector("[data-patience]");
  if (message.textContent) return; // déjà demandé : un seul départ
  message.textContent = formulaire.dataset.patience;
  let arrives = true;
  while (enVol.size) arrives = (await Promise.all(enVol)).every(Boolean) && arrives;
  message.textContent = "";
  const bouton = submitter?.isConnected ? submitter : formulaire.querySelector(`[name=action][value="${submitter?.value}"]`);
  if (arrives && bouton) formulaire.requestSubmit(bouton);
}

function brancher(piece) {
  for (const champ of piece.querySelectorAll("input[type=file]")) {
    champ.addEventListener("change", () => {
      const fichiers = [...champ.files], remplace = champ.dataset.remplace;
      champ.value = "";
      suivre(async () => {
        let arrives = true;
        for (const fichier of fichiers) arrives = (await envoyer(piece, fichier, remplace)) && arrives;
        return arrives;
      });
    });
  }
  for (const bouton of piece.querySelectorAll("[data-sans-js]")) bouton.hidden = true;
}

if (formulaire) {
  for (const piece of formulaire.querySelectorAll("[data-piece][data-url]")) brancher(piece);
  formulaire.addEventListener("submit", patienter);
  window.addEventListener("beforeunload", (evenement) => { if (enVol.size) evenement.preventDefault(); });
}
