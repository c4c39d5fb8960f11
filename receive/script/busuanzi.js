// Stands in for busuanzi: fills busuanzi_value_page_pv, …_page_uv, …_site_pv
// and …_site_uv, and shows their busuanzi_container_….
(() => {
	const name = 'BusuanziCallback_' + Math.floor(Math.random() * 1e12)
	const request = document.createElement('script')
	const fill = (counts) => {
		for (const key in counts) {
			const value = document.getElementById('busuanzi_value_' + key)
			const container = document.getElementById('busuanzi_container_' + key)
			if (value) value.textContent = counts[key]
			if (container) container.style.display = 'inline'
		}
	}
	window[name] = (counts) => {
		if (document.readyState == 'loading') document.addEventListener('DOMContentLoaded', () => fill(counts))
		else fill(counts)
		delete window[name]
		request.remove()
	}
	request.referrerPolicy = 'no-referrer-when-downgrade' // the page's whole address is needed
	request.src = new URL('/busuanzi?jsonpCallback=' + name, document.currentScript.src)
	document.head.append(request)
})()
