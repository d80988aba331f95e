// Pièces : chaque fichier choisi part seul, avec son avancement ; la page garde tout le reste tel quel.
const formulaire = document.querySelector("[data-pieces]");

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
    const rate = () => { suivi.echec(() => envoyer(piece, fichier, remplace)); resoudre(false); };
    requete.addEventListener("error", rate);
    requete.addEventListener("timeout", rate);
    requete.addEventListener("load", () => {
      if (requete.status !== 200 && requete.status !== 422) { rate(); return; }
      suivi.fin();
      const attente = [...piece.querySelectorAll("[data-envois] > p")];
      const erreurs = [...piece.querySelectorAll("[data-fichiers] .fr-message--error")].map((e) => e.textContent);
      piece.querySelector("[data-fichiers]").innerHTML = requete.responseText;
      piece.querySelector("[data-envois]").append(...attente);
      piece.classList.toggle("piece--erreur", requete.status === 422 || (erreurs.length > 0 && attente.length > 0));
      brancher(piece);
      piece.focus({ preventScroll: true });
      resoudre(requete.status === 200);
    });
    suivi.avance(0);
    requete.send(donnees);
  });
}

function brancher(piece) {
  for (const champ of piece.querySelectorAll("input[type=file]")) {
    champ.addEventListener("change", async () => {
      const fichiers = [...champ.files], remplace = champ.dataset.remplace;
      champ.value = "";
      for (const fichier of fichiers) await envoyer(piece, fichier, remplace);
    });
  }
  for (const bouton of piece.querySelectorAll("[data-sans-js]")) bouton.hidden = true;
}

if (formulaire) {
  for (const piece of formulaire.querySelectorAll("[data-piece][data-url]")) brancher(piece);
}
