// Avertit avant la fermeture de la session, et la prolonge sur demande (RGAA 13.1).
// L'heure de fin est partagée entre les onglets. « session:fermeture » est émis quelques secondes avant la fin :
// une page qui garde un brouillon peut ajouter à `event.detail.attendre` la promesse de son dernier enregistrement.

const CLE = "session-fin";
const MARGE = 10_000; // on quitte la page avant le serveur, le temps d'enregistrer le brouillon
const dialogue = document.querySelector("dialog[data-session]");

if (dialogue) {
  const duree = Number(dialogue.dataset.duree) * 1000;
  const preavis = Math.min(5 * 60_000, duree / 3);
  const reste = dialogue.querySelector("[data-reste]");
  const annonce = dialogue.querySelector("[data-annonce]");
  const panne = dialogue.querySelector("[data-panne]");
  const langue = document.documentElement.lang;
  const dire = (nombre, unite) =>
    new Intl.NumberFormat(langue, { style: "unit", unit: unite, unitDisplay: "long" }).format(nombre);
  let minuterie;
  let partie = false;

  const partager = (fin) => {
    try {
      localStorage.setItem(CLE, String(fin));
    } catch {
      // stockage refusé par le navigateur : chaque onglet compte pour lui
    }
  };
  let fin = Date.now() + duree;

  const repousser = (secondes = duree / 1000) => {
    fin = Date.now() + secondes * 1000;
    partager(fin);
    verifier();
  };

  const fermer = async () => {
    if (partie) return;
    partie = true;
    const attendre = [];
    document.dispatchEvent(new CustomEvent("session:fermeture", { detail: { attendre } }));
    await Promise.race([
      Promise.allSettled(attendre),
      new Promise((suite) => setTimeout(suite, MARGE / 2)),
    ]);
    dialogue.querySelector("[data-expiration]").submit();
  };

  const afficher = (restant) => {
    const secondes = Math.max(0, Math.ceil(restant / 1000));
    const texte = secondes > 60 ? dire(Math.floor(secondes / 60), "minute") : dire(secondes, "second");
    reste.textContent = texte;
    // Dit à chaque minute, puis à vingt secondes : pas à chaque seconde.
    if (secondes % 60 === 0 || secondes === 20) annonce.textContent = texte;
  };

  function verifier() {
    clearTimeout(minuterie);
    const restant = fin - MARGE - Date.now();
    if (restant <= 0) {
      fermer();
      return;
    }
    if (restant > preavis) {
      if (dialogue.open) dialogue.close();
      minuterie = setTimeout(verifier, Math.min(restant - preavis, 60_000));
      return;
    }
    afficher(restant);
    if (!dialogue.open) {
      panne.hidden = true;
      dialogue.showModal();
      dialogue.querySelector("h2").focus();
    }
    minuterie = setTimeout(verifier, 1000);
  }

  const prolonger = async (formulaire) => {
    try {
      const reponse = await fetch(formulaire.action, {
        method: "POST",
        body: new FormData(formulaire),
        credentials: "same-origin",
      });
      if (reponse.ok) repousser((await reponse.json()).duree);
      else fermer();
    } catch {
      panne.hidden = false;
    }
  };

  const formulaire = dialogue.querySelector("[data-prolonger]");
  formulaire.addEventListener("submit", (evenement) => {
    evenement.preventDefault();
    prolonger(formulaire);
  });
  // Échap vaut « Rester connecté » : fermer la boîte sans prolonger laisserait la session se fermer en silence.
  dialogue.addEventListener("cancel", (evenement) => {
    evenement.preventDefault();
    prolonger(formulaire);
  });
  window.addEventListener("storage", (evenement) => {
    if (evenement.key !== CLE || !evenement.newValue) return;
    fin = Math.max(fin, Number(evenement.newValue));
    verifier();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) verifier();
  });
  window.addEventListener("pageshow", (evenement) => {
    if (evenement.persisted) verifier();
  });
  // Un enregistrement ou un envoi fait par la page a prolongé la session du serveur.
  if (window.PerformanceObserver) {
    new PerformanceObserver((liste) => {
      if (partie) return;
      const aboutis = liste.getEntries().filter((appel) => {
        const statut = appel.responseStatus ?? (appel.transferSize > 0 ? 200 : 0);
        return ["fetch", "xmlhttprequest"].includes(appel.initiatorType) && statut >= 200 && statut < 400;
      });
      if (aboutis.some((appel) => new URL(appel.name).origin === location.origin)) repousser();
    }).observe({ type: "resource" });
  }
  partager(fin);
  verifier();
}
