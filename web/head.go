package web

import "strings"

// head is what the template of a page's head sees.
type head struct {
	pen
	Title           any // text, or HTML without elements
	Styles, Scripts []string
}

// Head is the head of a page with these sheets, after the one that all pages have,
// and these scripts.
func (p pen) Head(title any, files ...string) head {
	h := head{pen: p, Title: title, Styles: []string{"page.css"}}
	for _, name := range files {
		if strings.HasSuffix(name, ".js") {
			h.Scripts = append(h.Scripts, name)
		} else {
			h.Styles = append(h.Styles, name)
		}
	}
	return h
}
