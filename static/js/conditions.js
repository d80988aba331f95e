// Replie ce que la réponse donnée n'appelle pas. Un champ replié n'est pas envoyé ; le serveur décide de toute façon.

const blocs = () => [...document.querySelectorAll("[data-condition]")];

const reponse = (formulaire, nom) => {
  const donnees = formulaire.elements[nom];
  return donnees ? donnees.value : "";
};

export const replier = (bloc, ferme) => {
  bloc.toggleAttribute("data-ferme", ferme);
  for (const champ of bloc.querySelectorAll("input, select, textarea, button")) champ.disabled = Boolean(champ.closest("[data-ferme]"));
};

export const appliquer = () => {
  for (const bloc of blocs()) {
    const formulaire = bloc.closest("form");
    replier(bloc, !bloc.dataset.valeurs.split(" ").includes(reponse(formulaire, bloc.dataset.condition)));
  }
};

document.addEventListener("change", appliquer);
appliquer();
