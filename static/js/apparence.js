// Chargé avant le premier affichage : pose le thème du système et signale que JavaScript fonctionne.
(() => {
  const racine = document.documentElement;
  racine.classList.add("js");
  if (window.matchMedia("(prefers-color-scheme: dark)").matches) racine.setAttribute("data-fr-theme", "dark");
})();
