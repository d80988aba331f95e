// Ajoute et supprime une ligne sans changer de page : le même envoi, la même réponse, dont seul le bloc est repris.

import { appliquer, replier } from "./conditions.js";
import { enregistrer, formulaire, prendrePourReference } from "./brouillon.js";

// « formulaire.action » désignerait ses boutons, qui portent ce nom.
const adresseDuFormulaire = () => new URL(formulaire.getAttribute("action"), location.href);
let occupe = false;

const remplacer = async (bouton, ancien) => {
  await enregistrer();
  const donnees = new FormData(formulaire);
  donnees.set("action", bouton.value);
  const reponse = await fetch(adresseDuFormulaire(), { method: "POST", body: donnees, credentials: "same-origin" });
  if (!reponse.ok || new URL(reponse.url).pathname !== adresseDuFormulaire().pathname) throw new Error("envoi ordinaire");
  const nouvelle = new DOMParser().parseFromString(await reponse.text(), "text/html");
  const bloc = nouvelle.getElementById(ancien.id);
  if (!bloc) throw new Error("envoi ordinaire");
  ancien.replaceWith(bloc);
  for (const marque of ["[data-version]", "[data-enregistrement-texte]"]) {
    const [ici, la] = [document.querySelector(marque), nouvelle.querySelector(marque)];
    if (ici.value === undefined) ici.textContent = la.textContent;
    else ici.value = la.value;
  }
  for (const calcul of nouvelle.querySelectorAll("[data-calcul]")) {
    const ici = document.querySelector(`[data-calcul="${calcul.dataset.calcul}"]`);
    if (ici.textContent !== calcul.textContent) ici.textContent = calcul.textContent;
  }
  for (const { dataset, attributes } of nouvelle.querySelectorAll("[data-calcul-si]")) {
    replier(document.querySelector(`[data-calcul-si="${dataset.calculSi}"]`), Boolean(attributes["data-ferme"]));
  }
  appliquer();
  prendrePourReference();
  // Une ligne ajoutée reçoit le focus dans son premier champ ; après une suppression, c'est le bloc.
  const ajout = bouton.value.startsWith("ajouter:");
  const cible = ajout ? bloc.querySelector("fieldset.ligne:last-of-type")?.querySelector("input, select") : bloc;
  (cible ?? bloc).focus();
};

formulaire?.addEventListener("click", async (evenement) => {
  const bouton = evenement.target.closest("[data-lignes] button[name='action']");
  if (!bouton) return;
  evenement.preventDefault();
  if (occupe) return;
  occupe = true;
  // Le bloc attend sa réponse sans recevoir de frappe : elle serait remplacée avec lui.
  const bloc = document.getElementById(`bloc-${bouton.closest("[data-lignes]").dataset.lignes}`);
  bloc.inert = true;
  try {
    await remplacer(bouton, bloc);
  } catch {
    bloc.inert = false;
    formulaire.requestSubmit(bouton);
  } finally {
    occupe = false;
  }
});
