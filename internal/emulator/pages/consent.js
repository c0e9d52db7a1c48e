// Sends the form once. A button that is disabled while the form is sent is left out of its data, and so the decision
// would be. For the same reason a second click does not submit the form: the browser would cancel what it sent first.
(function () {
  const form = document.getElementById('consent');
  const state = document.getElementById('sent');

  form.addEventListener('submit', function (event) {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = 'yes';
    state.textContent = 'Sent. You go back to the app now.';
  });

  addEventListener('pageshow', function (event) {
    if (event.persisted) { // the browser kept the page, and the user came back to it
      delete form.dataset.sent;
      state.textContent = '';
    }
  });
})();
