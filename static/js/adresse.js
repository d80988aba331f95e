// La recherche d'adresse : une liste de suggestions au clavier (motif « combobox » de l'ARIA). Le service muet, la
// saisie reste libre dans les champs ordinaires.

const ATTENTE = 250;
const zone = document.querySelector("[data-adresse]");
const champ = zone?.querySelector("input[name='adresse']");

if (champ) {
  const annonce = zone.querySelector("[data-adresse-annonce]");
  const formulaire = champ.form;
  const liste = document.createElement("ul");
  const noms = ["numero", "voie", "code_postal", "commune"].map((nom) => `adresse_${nom}`);
  let adresses = [];
  let active = -1;
  let minuterie;
  let derniere = 0;

  liste.id = "adresses-liste";
  liste.className = "adresse__liste";
  liste.setAttribute("role", "listbox");
  liste.setAttribute("aria-label", zone.dataset.liste);
  liste.hidden = true;
  champ.after(liste);
  champ.setAttribute("role", "combobox");
  champ.setAttribute("aria-autocomplete", "list");
  champ.setAttribute("aria-controls", liste.id);
  champ.setAttribute("aria-expanded", "false");

  const fermer = () => {
    liste.hidden = true;
    active = -1;
    champ.setAttribute("aria-expanded", "false");
    champ.removeAttribute("aria-activedescendant");
  };

  const activer = (rang) => {
    const options = [...liste.children];
    active = (rang + options.length) % options.length;
    options.forEach((option, indice) => option.setAttribute("aria-selected", String(indice === active)));
    champ.setAttribute("aria-activedescendant", options[active].id);
    options[active].scrollIntoView({ block: "nearest" });
  };

  const choisir = (rang) => {
    const { libelle, champs } = adresses[rang];
    for (const [nom, valeur] of Object.entries(champs)) formulaire.elements[nom].value = valeur;
    champ.value = libelle;
    annonce.textContent = `${zone.dataset.choisie} ${libelle}`;
    fermer();
    champ.dispatchEvent(new CustomEvent("change", { bubbles: true }));
  };

  const montrer = () => {
    liste.replaceChildren(
      ...adresses.map(({ libelle }, rang) => {
        const option = document.createElement("li");
        option.id = `adresse-option-${rang}`;
        option.className = "adresse__option";
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.textContent = libelle;
        // « mousedown » : le champ garde le focus.
        option.addEventListener("mousedown", (evenement) => {
          evenement.preventDefault();
          choisir(rang);
        });
        return option;
      }),
    );
    active = -1;
    champ.removeAttribute("aria-activedescendant");
    liste.hidden = !adresses.length;
    champ.setAttribute("aria-expanded", String(Boolean(adresses.length)));
    const { aucune, une, plusieurs } = zone.dataset;
    annonce.textContent = !adresses.length ? aucune : adresses.length === 1 ? une : plusieurs.replace("%s", adresses.length);
  };

  const chercher = async () => {
    const texte = champ.value.trim();
    derniere += 1;
    const demande = derniere;
    if (texte.length < 3) {
      fermer();
      return;
    }
    try {
      const reponse = await fetch(`${zone.dataset.adresse}?${new URLSearchParams({ q: texte })}`, {
        credentials: "same-origin",
        signal: AbortSignal.timeout(3000),
      });
      if (demande !== derniere || document.activeElement !== champ) return;
      const { adresses: trouvees, indisponible } = reponse.ok ? await reponse.json() : { indisponible: true };
      adresses = trouvees ?? [];
      if (indisponible) fermer();
      else montrer();
    } catch {
      if (demande === derniere) fermer();
    }
  };

  champ.addEventListener("input", () => {
    clearTimeout(minuterie);
    minuterie = setTimeout(chercher, ATTENTE);
  });
  champ.addEventListener("blur", fermer);
  champ.addEventListener("keydown", (evenement) => {
    const ouverte = !liste.hidden;
    if (evenement.key === "ArrowDown" || evenement.key === "ArrowUp") {
      evenement.preventDefault();
      if (!ouverte) chercher();
      else if (evenement.key === "ArrowDown") activer(active + 1);
      else activer(active < 0 ? -1 : active - 1);
    } else if (evenement.key === "Enter") {
      // Entrée choisit une adresse ; elle n'envoie jamais l'étape depuis ce champ.
      evenement.preventDefault();
      if (ouverte && active >= 0) choisir(active);
      else chercher();
    } else if (evenement.key === "Escape" && ouverte) {
      evenement.stopPropagation();
      fermer();
    } else if (evenement.key === "Tab") {
      fermer();
    }
  });

  // Une adresse retouchée à la main n'est plus celle de la base.
  const oublier = () => {
    formulaire.elements.adresse_cle.value = "";
    formulaire.elements.adresse_insee.value = "";
  };
  for (const nom of noms) formulaire.elements[nom].addEventListener("input", oublier);
}
