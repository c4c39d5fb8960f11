package main

import (
	"html/template"
	"net/http"

	"github.com/beforehand-go/beforehand/report"
)

// pages are the pages of the blog, each with the list of what is hot.
func pages(hot func() report.Hot) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := page.Execute(w, map[string]any{"Path": r.URL.Path, "Hot": hot().Items}); err != nil {
			return // the reader has gone
		}
	})
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{{.Path}} · Blog</title>
<h1>{{.Path}}</h1>
<p>Read <a href="/posts/one">one</a> or <a href="/posts/two">two</a>.</p>
<h2>Hot</h2>
<ol>{{range .Hot}}<li><a href="{{.Path}}">{{.Title}}</a>, {{.Pageviews}} pageviews</li>{{else}}<li>Nothing is yet.</li>{{end}}</ol>
<img src="/visits.svg" alt="Pageviews by page">
</html>
`))
