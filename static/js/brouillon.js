// Enregistre la saisie d'une étape pendant la frappe. Sans JavaScript, chaque bouton de la page l'enregistre.

import { appliquer, replier } from "./conditions.js";

const ATTENTE = 1500; // ms sans frappe avant d'enregistrer
const ANNONCE = 60_000; // ms au moins entre deux annonces vocales
const PATIENCE = 15_000; // ms avant de tenir le site pour muet

export const formulaire = document.querySelector("form[data-brouillon]");

const ligne = document.querySelector("[data-enregistrement]");
const echec = ligne?.querySelector("[data-echec]");
let minuterie;
let enCours = null; // l'enregistrement en vol
let enregistre = ""; // le dernier contenu connu du serveur
let arrete = false; // envoi, conflit ou demande close : plus d'enregistrement
let derniereAnnonce = 0;

// Ce qui se tape ; un fichier ne part qu'avec un bouton.
const saisie = () => {
  const donnees = new FormData(formulaire);
  for (const champ of formulaire.querySelectorAll("input[type=file]")) donnees.delete(champ.name);
  return donnees;
};

const contenu = () => {
  const donnees = saisie();
  donnees.delete("csrfmiddlewaretoken");
  donnees.delete("version");
  return new URLSearchParams(donnees).toString();
};

const dire = (heure) => {
  const texte = ligne.dataset.texte.replace("%s", heure);
  ligne.querySelector("[data-enregistrement-texte]").textContent = texte;
  if (Date.now() - derniereAnnonce < ANNONCE) return;
  derniereAnnonce = Date.now();
  ligne.querySelector("[data-enregistrement-annonce]").textContent = texte;
};

const signaler = (motif) => {
  echec.hidden = !motif;
  for (const texte of echec.querySelectorAll("p")) texte.hidden = !(motif && texte.hasAttribute(`data-echec-${motif}`));
};

const montrerLesCalculs = (calculs = {}) => {
  for (const [nom, valeur] of Object.entries(calculs)) {
    for (const cible of document.querySelectorAll(`[data-calcul="${nom}"]`)) {
      if (cible.textContent !== valeur) cible.textContent = valeur;
    }
    for (const bloc of document.querySelectorAll(`[data-calcul-si="${nom}"]`)) {
      if (bloc.hasAttribute("data-ferme") === valeur) replier(bloc, !valeur);
    }
  }
};

// Une connexion faite dans un autre onglet change le jeton de ce formulaire ; le cookie porte le bon.
const jeton = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];

const rafraichirLeJeton = () => {
  if (jeton()) formulaire.elements.csrfmiddlewaretoken.value = jeton();
};

const MOTIFS = { 401: "session", 409: "conflit", 410: "deposee", 413: "trop-long" };

const envoyer = async () => {
  const envoye = contenu();
  let reponse;
  let corps;
  rafraichirLeJeton();
  try {
    reponse = await fetch(formulaire.dataset.brouillon, {
      method: "POST",
      body: saisie(),
      credentials: "same-origin",
      keepalive: document.hidden, // la page se ferme : l'enregistrement lui survit
      signal: AbortSignal.timeout(PATIENCE),
    });
    corps = await reponse.text();
  } catch {
    signaler("panne");
    return;
  }
  if (!reponse.ok) {
    const motif = MOTIFS[reponse.status] ?? "panne";
    arrete = motif === "conflit" || motif === "deposee";
    signaler(motif);
    return;
  }
  const { version, heure, calculs } = JSON.parse(corps);
  for (const champ of document.querySelectorAll("[data-version]")) champ.value = version;
  enregistre = envoye;
  signaler(null);
  dire(heure);
  montrerLesCalculs(calculs);
};

// Un seul enregistrement à la fois : la version rendue sert au suivant, jamais deux pages de la même personne ne se
// contredisent.
export const enregistrer = async () => {
  clearTimeout(minuterie);
  while (enCours) await enCours;
  if (arrete || contenu() === enregistre) return;
  enCours = envoyer();
  await enCours;
  enCours = null;
};

const plusTard = () => {
  clearTimeout(minuterie);
  minuterie = setTimeout(enregistrer, ATTENTE);
};

/** La page vient de recevoir un contenu du serveur : c'est lui, la référence. */
export const prendrePourReference = () => {
  enregistre = contenu();
};

if (formulaire) {
  appliquer();
  prendrePourReference();
  formulaire.addEventListener("input", plusTard);
  formulaire.addEventListener("change", plusTard);
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) arrete = false;
  });
  ligne.querySelector("[data-reessayer]").addEventListener("click", enregistrer);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) enregistrer();
  });
  // La session va se fermer : la page attend le dernier enregistrement (session.js).
  document.addEventListener("session:fermeture", (evenement) => evenement.detail.attendre.push(enregistrer()));
  // Un envoi attend l'enregistrement en vol : sa version serait sinon déjà dépassée, par la personne elle-même.
  formulaire.addEventListener("submit", async (evenement) => {
    clearTimeout(minuterie);
    rafraichirLeJeton();
    if (!enCours) {
      arrete = true; // la page s'en va avec tout ce qui est saisi
      return;
    }
    evenement.preventDefault();
    await enCours;
    enCours = null;
    formulaire.requestSubmit(evenement.submitter);
  });
}
