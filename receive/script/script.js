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
((win, doc, nav, loc) => {
	const {src, dataset: data} = doc.currentScript
	let next // address of the page that waits to be counted
	let title // of that page, where it is not the document's
	let now // address of the page in sight that was counted
	let since // when it was
	let last // the page before, without its query
	let visible
	let referrer = doc.referrer

	const send = (message) => {
		message.s = data.site
		message = JSON.stringify(message)
		nav.sendBeacon && nav.sendBeacon(src, message) ||
			fetch(src, {method: 'POST', body: message, keepalive: true, mode: 'no-cors'}).catch(() => {})
	}

	// count sends the page that waits, once somebody sees it: a page that is
	// prerendered, or was opened in the background, waits until then.
	const count = () => {
		if (visible && next) {
			send({
				u: now = next, t: title || doc.title, r: referrer, w: screen.width,
				z: Intl.DateTimeFormat().resolvedOptions().timeZone, b: nav.webdriver
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
		visible = doc.visibilityState == 'visible'
		count()
	}

	// here is the address of the page, without what follows a # unless that is
	// a route.
	const here = () => {
		const route = 'hash' in data && /^#!?(\/.*)/.exec(loc.hash)
		return loc.origin + (route ? loc.pathname.replace(/\/$/, '') + route[1] : loc.pathname + loc.search)
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
		/^f/.test(win.beforehand) || // false switches it off; a function means that it is there already
		nav.doNotTrack == 1 || nav.globalPrivacyControl ||
		/^(localhost|127\..*|\[::1]|)$/.test(loc.hostname) && !('local' in data)) return // '' is a file

	win.beforehand = function (url, name) {
		show(url || here(), name)
		count()
	}
	doc.addEventListener('visibilitychange', look)
	addEventListener('pagehide', leave)
	if (!('manual' in data)) {
		for (const name of ['pushState', 'replaceState']) {
			const original = history[name]
			history[name] = function () {
				original.apply(this, arguments)
				turn()
			}
		}
		addEventListener('popstate', turn)
		addEventListener('pageshow', (event) => event.persisted && win.beforehand())
		turn()
	}
	look()
})(window, document, navigator, location)
