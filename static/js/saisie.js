// À la fin de la session, ce qui est écrit part avec la déconnexion ; le serveur le rend après la connexion.
// `data-saisie="remplie"` : la page montre déjà une saisie, à garder même sans autre changement.

const formulaire = document.querySelector("form[data-saisie]");
const sortie = document.querySelector("form[data-expiration]");

if (formulaire && sortie) {
  const lire = () => [...new FormData(formulaire)].filter(([, valeur]) => typeof valeur === "string");
  const depart = JSON.stringify(lire());

  document.addEventListener("session:fermeture", () => {
    const champs = lire();
    if (formulaire.dataset.saisie !== "remplie" && JSON.stringify(champs) === depart) return;
    for (const [nom, valeur] of champs) {
      const champ = document.createElement("textarea");
      champ.name = `saisie-${nom}`;
      champ.value = valeur;
      sortie.append(champ);
    }
  });
}
