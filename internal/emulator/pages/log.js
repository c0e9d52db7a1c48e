// Asks every second what clients have sent since, and adds it on top of the log. What they sent may be anything: it
// becomes text here, never markup.
(function () {
  const most = 200;
  const table = document.getElementById('log');
  const rows = table.tBodies[0];
  const none = document.getElementById('log-none');
  const state = document.getElementById('log-state');
  let next = Number(table.dataset.next);
  let timer = 0;
  let asking = false;

  function element(name, text) {
    const e = document.createElement(name);
    if (text !== undefined) {
      e.textContent = text;
    }
    return e;
  }

  function timeOf(when) {
    const date = new Date(when);
    if (isNaN(date)) {
      return element('span', when);
    }
    const e = element('time', date.toISOString().slice(11, 19));
    e.dateTime = date.toISOString();
    return e;
  }

  function pairs(values) {
    const list = element('ul');
    for (const name of Object.keys(values || {}).sort()) {
      const code = element('code');
      code.append(element('b', name), ' ' + values[name]);
      const item = element('li');
      item.append(code);
      list.append(item);
    }
    return list.childElementCount ? list : '';
  }

  function statusOf(request) {
    if (!request.status && !request.decision) {
      return ''; // not decided yet
    }
    const e = element('span', request.status || 'none');
    e.className = !request.status || request.status >= 400 ? 'bad' : 'good';
    return e;
  }

  function add(row, name, content) {
    const cell = row.insertCell();
    cell.className = name;
    cell.append(content);
  }

  function show(request) {
    const row = rows.insertRow(0);
    row.className = 'new';
    add(row, 'time', timeOf(request.time));
    add(row, 'request', element('code', request.method + ' ' + request.path));
    add(row, 'sent', pairs(request.params));
    add(row, 'decision', request.decision || '');
    add(row, 'status', statusOf(request));
    add(row, 'answer', pairs(request.answer));
  }

  function say(text) {
    if (state.textContent !== text) { // a screen reader would say it again
      state.textContent = text;
    }
  }

  async function ask() {
    const response = await fetch('/_emulator/requests?since=' + next);
    if (!response.ok) {
      throw new Error('status ' + response.status);
    }
    const answer = await response.json();
    (answer.requests || []).slice(-most).forEach(show);
    while (rows.rows.length > most) {
      rows.deleteRow(-1);
    }
    none.hidden = rows.rows.length > 0;
    next = answer.next;
    say('');
  }

  async function turn() {
    timer = 0;
    asking = true;
    try {
      await ask();
    } catch {
      say('The emulator does not respond; this log is not updated.');
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
