package web

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"net/url"
	"strconv"
	"strings"

	"github.com/beforehand-go/beforehand/chart"
)

// The snippets are written for any base: where pages elsewhere reach the server,
// or nothing, for the gallery itself. All that goes into them is escaped here.

// script is the element that brings the elements of lists and counts.
func script(base string) string {
	return `<script async src="` + html.EscapeString(base) + ElementsPath + `"></script>` + "\n"
}

// attribute is one of an element with a space before it, or nothing where there
// is no value.
func attribute(name, value string) string {
	if value == "" {
		return ""
	}
	return " " + name + `="` + html.EscapeString(value) + `"`
}

// file is the address of a widget's file in the variant that is chosen.
func (v *galleryView) file(base, report, file string) string {
	q := url.Values{}
	if file != "chart.svg" {
		q.Set("lang", v.Choice.Words.String())
		if v.Choice.Limit > 0 {
			q.Set("limit", strconv.Itoa(v.Choice.Limit))
		}
	}
	if file != "fragment.html" && v.Choice.Theme != chart.Auto {
		q.Set("theme", string(v.Choice.Theme))
	}
	address := base + "/w/" + url.PathEscape(v.Site) + "/" + url.PathEscape(report) + "/" + file
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	return address
}

// report is the address of a report's file.
func (v *galleryView) report(base, name, ext string) string {
	return base + "/s/" + url.PathEscape(v.Site) + "/" + url.PathEscape(name) + ext
}

// theme is the attribute of a theme that is not the page's own colours.
func (v *galleryView) theme() string {
	if v.Choice.Theme == chart.Auto {
		return ""
	}
	return attribute("theme", string(v.Choice.Theme))
}

// rows are how many a list has room for.
func (v *galleryView) rows(l *GalleryList) int {
	whole := l.Query.Complete().Limit
	if v.Choice.Limit > 0 {
		return min(v.Choice.Limit, whole)
	}
	return whole
}

func (v *galleryView) listSnippets(l *GalleryList) []Snippet {
	title := l.title(catalogues[v.Choice.Words])
	limit, rows := "", v.rows(l)
	if v.Choice.Limit > 0 {
		limit = strconv.Itoa(v.Choice.Limit)
	}
	element := func(base string) string {
		return script(base) + strings.Join([]string{
			`<beforehand-list` + attribute("src", v.report(base, l.Name, ".json")) + attribute("limit", limit) + v.theme() +
				attribute("label", l.Title) + attribute("lang", catalogues[v.Choice.Words]["lang"]) + `>`,
			`  <svg display="block" width="1" height="` + strconv.Itoa(2*rows) + `em" aria-hidden="true"></svg>`,
			`  <noscript><a` + attribute("href", v.file(base, l.Name, "frame.html")) + `>` + html.EscapeString(title) + `</a></noscript>`,
			`</beforehand-list>`,
		}, "\n")
	}
	frame := func(base string) string {
		return `<iframe` + attribute("src", v.file(base, l.Name, "frame.html")) + attribute("title", title) +
			` width="100%" height="` + strconv.Itoa(FrameEdge+FrameRow*rows) + `" frameborder="0" loading="lazy"></iframe>`
	}
	fragment := v.file(v.Base, l.Name, "fragment.html")
	feed := v.report(v.Base, l.Name, ".rss")
	return []Snippet{
		{
			Name: "list-element", Title: v.words["snippet_element"], Text: v.words["snippet_element_text"],
			Code: element(v.Base), Preview: template.HTML(element("")), Needs: []string{"script-src " + v.Base, "connect-src " + v.Base},
		},
		{
			Name: "list-frame", Title: v.words["snippet_frame"], Text: v.words["snippet_frame_text"],
			Code: frame(v.Base), Preview: template.HTML(frame("")), Needs: []string{"frame-src " + v.Base},
		},
		{
			Name: "list-html", Title: v.words["snippet_html"], Text: v.words["snippet_html_text"],
			Code: `curl -fsS "` + fragment + `"`, Preview: v.fragment(l),
		},
		{
			Name: "list-data", Title: v.words["snippet_data"], Text: v.words["snippet_data_text"],
			Code: v.report(v.Base, l.Name, ".json") + "\n" + v.report(v.Base, l.Name, ".csv") + "\n" + v.report(v.Base, l.Name, ".md"),
		},
		{
			Name: "list-feed", Title: v.words["snippet_feed"], Text: v.words["snippet_feed_text"],
			Code: `<link rel="alternate" type="application/rss+xml"` + attribute("title", title) + attribute("href", feed) + `>`,
		},
	}
}

// fragment is a list as a part of this page. Pictures are on other servers.
func (v *galleryView) fragment(l *GalleryList) template.HTML {
	var list []Item
	for _, i := range l.Items[:min(len(l.Items), v.rows(l))] {
		i.Picture = ""
		list = append(list, i)
	}
	var b bytes.Buffer
	if List(&b, v.Choice.Words, list) != nil {
		return ""
	}
	return template.HTML(b.String())
}

func (v *galleryView) counterSnippets() []Snippet {
	lang := attribute("lang", catalogues[v.Choice.Words]["lang"])
	count := func(base, of string) string {
		return script(base) + `<beforehand-count` + attribute("src", base+"/w/"+url.PathEscape(v.Site)+"/count.json") + of + lang + `>` +
			`<svg width="4em" height=".9em" aria-hidden="true"></svg></beforehand-count>`
	}
	picture := func(base string) string {
		q := url.Values{"of": {"site"}}
		if v.Choice.Theme != chart.Auto {
			q.Set("theme", string(v.Choice.Theme))
		}
		return `<img` + attribute("src", base+"/w/"+url.PathEscape(v.Site)+"/count.svg?"+q.Encode()) +
			attribute("alt", catalogues[v.Choice.Words]["total_pageviews"]) + ` width="96" height="20" loading="lazy">`
	}
	needs := []string{"script-src " + v.Base, "connect-src " + v.Base}
	visitors := ` of="site" metric="visitors"`
	return []Snippet{
		{
			Name: "count-page", Title: v.words["snippet_page_count"], Text: v.words["snippet_page_count_text"], Needs: needs,
			Code: count(v.Base, ""), Preview: template.HTML(count("", attribute("page", v.Page))),
		},
		{
			Name: "count-site", Title: v.words["snippet_site_count"], Text: v.words["snippet_site_count_text"], Needs: needs,
			Code: count(v.Base, visitors), Preview: template.HTML(count("", visitors)),
		},
		{
			Name: "count-picture", Title: v.words["snippet_count_picture"], Text: v.words["snippet_count_picture_text"], Needs: []string{"img-src " + v.Base},
			Code: picture(v.Base), Preview: template.HTML(picture("")),
		},
		{
			Name: "busuanzi", Title: v.words["snippet_busuanzi"], Text: v.words["snippet_busuanzi_text"], Needs: []string{"script-src " + v.Base},
			Code: `<script async src="` + html.EscapeString(v.Base) + `/busuanzi.js"></script>` + "\n" +
				`<span id="busuanzi_container_site_pv"><span id="busuanzi_value_site_pv"></span></span>`,
		},
	}
}

func (v *galleryView) pictureSnippets() (all []Snippet) {
	for _, p := range v.Pictures {
		spark := p.Spark && len(all) < 2
		if p.Name != v.Choice.Picture && !spark || p.Width == 0 {
			continue
		}
		code := func(base string) string { return v.picture(base, p) }
		s := Snippet{
			Name: "picture", Title: v.words["snippet_picture"], Text: v.words["snippet_picture_text"],
			Code: code(v.Base), Preview: template.HTML(code("")), Needs: []string{"img-src " + v.Base},
		}
		if p.Name != v.Choice.Picture {
			s.Name, s.Title, s.Text = "spark", v.words["snippet_spark"], v.words["snippet_spark_text"]
		}
		all = append(all, s)
	}
	return all
}

// picture is a report's picture, in the colours that its reader prefers where no
// theme is chosen.
func (v *galleryView) picture(base string, p Picture) string {
	address := func(t chart.Theme) string {
		a := base + "/w/" + url.PathEscape(v.Site) + "/" + url.PathEscape(p.Name) + "/chart.svg"
		return a + "?theme=" + string(t)
	}
	picture := func(t chart.Theme) string {
		return `<img` + attribute("src", address(t)) + attribute("alt", p.title()) +
			fmt.Sprintf(` width="%d" height="%d" loading="lazy">`, p.Width, p.Height)
	}
	if v.Choice.Theme != chart.Auto {
		return picture(v.Choice.Theme)
	}
	return `<picture><source media="(prefers-color-scheme: dark)"` + attribute("srcset", address(chart.Dark)) + `>` + picture(chart.Light) + `</picture>`
}
