// This script runs in the frame. It keeps the session in memory, so a reload asks for another login.
const button = document.querySelector("button"), text = document.querySelector("p");
let login = null; // the window

button.addEventListener("click", () => {
	login = window.open("/login?return_to=/done", "_blank", "popup,width=500,height=700");
});

addEventListener("message", async event => {
	if (event.origin !== location.origin || event.source !== login) {
		return; // another site, or another window
	}
	const response = await fetch("/name", {headers: {Authorization: "Bearer " + event.data}});
	text.textContent = (response.ok ? "Hello, " : "") + await response.text();
});
