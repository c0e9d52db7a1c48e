// Contentstack's application reads its route from behind the #. The parameters of an authorize URL stand there too
// (/#!/apps/{uid}/authorize?…), or before it (/?…#!/apps/{uid}/authorize). Both lead to the same page. A user who is
// not logged in has to log in first. That loses what is behind the #, as it does at Contentstack.
(function () {
  function follow() {
    const route = /^#!(\/apps\/[^/?]+\/authorize)(\?.*)?$/.exec(location.hash);
    if (!route) {
      return;
    }
    location.replace(document.body.dataset.user ? route[1] + (route[2] || location.search) : '/login?lost=1');
  }
  addEventListener('hashchange', follow); // an address typed over this one does not load the page again
  follow();
})();
