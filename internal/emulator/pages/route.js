// Contentstack's application reads its route from behind the #. The parameters of an authorize URL stand there too
// (/#!/apps/{uid}/authorize?…), or before it (/?…#!/apps/{uid}/authorize). Both lead to the same page.
(function () {
  const route = /^#!(\/apps\/[^/?]+\/authorize)(\?.*)?$/.exec(location.hash);
  if (route) {
    location.replace(route[1] + (route[2] || location.search));
  }
})();
