// Accorder : choisir un titre propose sa mention, son montant et sa plus longue durée, sans toucher à ce qui a été changé à la main.
const form = document.querySelector("[data-decision]");

function finLaPlusLointaine(mois) {
  const [jour, rang, annee] = ["du_0", "du_1", "du_2"].map((nom) => Number(form.elements[nom].value));
  if (!jour || !rang || !annee) return null;
  const dernier = new Date(Date.UTC(annee, rang - 1 + mois + 1, 0)).getUTCDate();
  const fin = new Date(Date.UTC(annee, rang - 1 + mois, Math.min(jour, dernier)));
  fin.setUTCDate(fin.getUTCDate() - 1);
  return [fin.getUTCDate(), fin.getUTCMonth() + 1, fin.getUTCFullYear()];
}

if (form) {
  const champs = form.elements;
  const propositions = () => {
    const { mention, taxe, mois } = champs.titre.selectedOptions[0].dataset;
    return { mention, taxe, au: finLaPlusLointaine(Number(mois)) };
  };
  const fin = () => ["au_0", "au_1", "au_2"].map((nom) => Number(champs[nom].value));
  let proposees = propositions();
  const bareme = form.querySelector("[data-bareme]");

  champs.titre.addEventListener("change", () => {
    const nouvelles = propositions();
    for (const nom of ["mention", "taxe"]) {
      if (champs[nom].value === proposees[nom]) champs[nom].value = nouvelles[nom];
    }
    if (nouvelles.au && proposees.au && String(fin()) === String(proposees.au)) {
      ["au_0", "au_1", "au_2"].forEach((nom, rang) => { champs[nom].value = nouvelles.au[rang]; });
    }
    bareme.textContent = bareme.textContent.replace(/[\d\s,]+€/u, ` ${nouvelles.taxe} €`);
    proposees = nouvelles;
  });
}
