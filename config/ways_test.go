package config_test

import (
	"testing"

	"github.com/beforehand-go/beforehand/collect"
	"github.com/beforehand-go/beforehand/config"
)

// TestCleaningRules reads the example of docs/counting.md.
func TestCleaningRules(t *testing.T) {
	f, err := config.Parse("beforehand.yaml", []byte(`
script: stats
proxies: {header: Forwarded, trusted: [10.0.0.0/8]}
sites:
  - name: blog
    hosts: [example.org, example.com]
    internal: [pay.example.net]
    spam: [spam.example]
    exclude:
      addresses: [192.0.2.0/24]
      header: "X-Uncounted: yes"
    paths:
      query: [p]
      index: [index.html]
      lower: true
      slash: remove
      rewrite:
        - {from: '^/\d{4}/(.*)', to: '/posts/$1'}
        - {from: '^/admin/'}
`))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Sites[0].Collect()
	p := s.Paths
	if f.Script != "stats" || f.Proxies.Header != "Forwarded" || len(f.Proxies.Trusted) != 1 ||
		s.Internal[0] != "pay.example.net" || s.Spam[0] != "spam.example" || s.Exclude.Header != "X-Uncounted: yes" ||
		p.Query[0] != "p" || p.Index[0] != "index.html" || !p.Lower || p.Slash != collect.SlashRemove ||
		len(p.Rewrite) != 2 || p.Rewrite[0].To != "/posts/$1" || p.Rewrite[1].To != "" {
		t.Errorf("%+v %+v", f, s)
	}
	for _, bad := range []string{
		"sites: [{name: a, paths: {slash: maybe}}]", "sites: [{name: a, paths: {rewrite: [{from: '('}]}}]", "sites: [{name: a, paths: {rewrite: [{to: /x}]}}]",
	} {
		if _, err := config.Parse("beforehand.yaml", []byte(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
