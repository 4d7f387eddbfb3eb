// Before anything is painted: the language and theme that the reader chose last time.
(function () {
  const root = document.documentElement;
  const kept = (key) => { try { return localStorage.getItem("wumeng." + key); } catch { return null; } };
  const lang = kept("lang");
  if (lang === "zh" || lang === "en") root.dataset.lang = lang;
  root.lang = root.dataset.lang === "zh" ? "zh-CN" : "en";
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = kept("theme") || (dark ? "dark" : "light");
})();
