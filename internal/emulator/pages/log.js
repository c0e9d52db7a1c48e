// Asks every second what clients have done since, and shows it. The emulator renders it as it renders the page. What
// clients sent is text there, never markup.
(function () {
  const pause = 5000; // milliseconds between two numbers of requests that a screen reader says
  const log = document.getElementById('log');
  const state = document.getElementById('log-state');
  const news = document.getElementById('news');
  let timer = 0;
  let asking = false;
  let unsaid = 0;
  let said = 0;

  function say(where, text) {
    if (where.textContent !== text) { // a screen reader would say it again
      where.textContent = text;
    }
  }

  function keys(page) {
    return [...page.querySelectorAll('#findings-list [data-key]')].map(item => item.dataset.key);
  }

  // refresh takes over what changed in an element.
  function refresh(page, id) {
    const old = document.getElementById(id);
    const now = page.getElementById(id);
    if (old.innerHTML !== now.innerHTML) {
      old.replaceChildren(...now.childNodes);
    }
  }

  // put shows a request: a new one on top, one that has been decided where it is.
  function put(row) {
    const old = log.querySelector('[data-number="' + row.dataset.number + '"]');
    if (!old) {
      row.className = 'new';
      log.prepend(row);
      unsaid++;
      return;
    }
    const details = old.querySelector('details');
    const now = row.querySelector('details');
    if (details.innerHTML !== now.innerHTML) {
      const focused = details.contains(document.activeElement);
      now.open = details.open;
      details.replaceWith(now);
      if (focused) {
        now.querySelector('summary').focus();
      }
    }
  }

  function announce(found) {
    if (found.length) {
      say(news, 'New finding: ' + found.map(key => key.split(' ')[0]).join(', '));
    } else if (unsaid && Date.now() - said > pause) {
      say(news, unsaid === 1 ? 'One new request' : unsaid + ' new requests');
    } else {
      return;
    }
    unsaid = 0;
    said = Date.now();
  }

  async function ask() {
    const response = await fetch('/_emulator/requests?as=html&since=' + log.dataset.next);
    if (!response.ok) {
      throw new Error('status ' + response.status);
    }
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const now = page.getElementById('log');
    if (Number(now.dataset.total) < Number(log.dataset.total)) { // another emulator, which knows nothing of what is here
      location.reload();
      return;
    }
    const known = keys(document);
    const found = keys(page).filter(key => !known.includes(key));
    ['findings-count', 'findings-list', 'log-count', 'log-none'].forEach(id => refresh(page, id));
    [...now.children].reverse().forEach(put);
    while (log.children.length > log.dataset.most) {
      log.lastElementChild.remove();
    }
    log.dataset.next = now.dataset.next;
    log.dataset.total = now.dataset.total;
    say(state, '');
    announce(found);
  }

  async function turn() {
    timer = 0;
    asking = true;
    try {
      await ask();
    } catch {
      say(state, 'The emulator does not respond. This page is not updated.');
    }
    asking = false;
    wait();
  }

  function wait() {
    if (!document.hidden && !timer && !asking) {
      timer = setTimeout(turn, 1000);
    }
  }

  document.addEventListener('visibilitychange', function () {
    clearTimeout(timer);
    timer = 0;
    wait();
  });
  wait();
})();
