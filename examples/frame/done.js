// This script runs in the window, when the login is over. The browser delivers the message only if
// the window was opened by a page of this origin.
if (window.opener) {
	window.opener.postMessage(document.querySelector("p").dataset.session, location.origin);
	window.close();
} else {
	document.querySelector("p").textContent = "The login cannot reach the page that began it. Close this window, and try again.";
}
