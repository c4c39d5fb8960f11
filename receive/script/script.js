// The script counts the pages that a visitor sees, and how long each was in
// sight. It keeps nothing in the browser: no cookie, no storage.
//
// It speaks to the address that it was loaded from, so that its name and the
// server's are said once, by the page:
//
//	<script defer src="https://stats.example.org/b.js"></script>
//
// Attributes: data-site names the site; data-hash counts #/routes; data-manual
// counts only what beforehand() is called for; data-local counts on this
// machine too; data-off counts nothing.
(() => {
	const {src, dataset: data} = document.currentScript
	let next // address of the page that waits to be counted
	let title // of that page, where it is not the document's
	let now // address of the page in sight that was counted
	let since // when it was
	let last // the page before, without its query
	let visible
	let referrer = document.referrer

	const send = (message) => {
		message.s = data.site
		message = JSON.stringify(message)
		navigator.sendBeacon && navigator.sendBeacon(src, message) ||
			fetch(src, {method: 'POST', body: message, keepalive: true}).catch(() => {})
	}

	// count sends the page that waits, once somebody sees it: a page that is
	// prerendered, or was opened in the background, waits until then.
	const count = () => {
		if (visible && next) {
			send({
				u: now = next, t: title || document.title, r: referrer, w: screen.width,
				z: Intl.DateTimeFormat().resolvedOptions().timeZone, b: navigator.webdriver
			})
			since = performance.now()
			next = referrer = '' // the visitor came to the next page from this one
		}
	}

	// leave tells how long the page was in sight, once.
	const leave = () => {
		count()
		if (now) send({u: now, d: performance.now() - since | 0})
		now = ''
	}

	const look = () => {
		leave()
		visible = !document.hidden
		count()
	}

	// here is the address of the page, without what follows a # unless that is
	// a route.
	const here = () => {
		const route = 'hash' in data && /^#!?(\/.*)/.exec(location.hash)
		return location.origin + (route ? location.pathname.replace(/\/$/, '') + route[1] : location.pathname + location.search)
	}

	const show = (url, name) => {
		leave()
		next = url
		title = name
	}

	const turn = () => {
		const url = here()
		if (last != (last = url.split('?')[0])) {
			show(url)
			setTimeout(count, 300) // time for the page to set its title
		}
	}

	if ('off' in data ||
		/^f/.test(window.beforehand) || // false switches it off; a function means that it is there already
		navigator.doNotTrack == 1 || navigator.globalPrivacyControl ||
		/^(localhost|127\..*|\[::1])?$/.test(location.hostname) && !('local' in data)) return // '' is a file

	window.beforehand = function (url, name) {
		show(url || here(), name)
		count()
	}
	document.addEventListener('visibilitychange', look)
	addEventListener('pagehide', leave)
	if (!('manual' in data)) {
		for (const name of ['pushState', 'replaceState']) {
			const original = history[name]
			history[name] = (...args) => {
				original.apply(history, args)
				turn()
			}
		}
		addEventListener('popstate', turn)
		addEventListener('pageshow', (event) => event.persisted && window.beforehand())
		turn()
	}
	look()
})()
