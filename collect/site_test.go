package collect

import "testing"

func TestSiteOfAHost(t *testing.T) {
	blog := &Site{Name: "blog", Hosts: []string{"example.com", "localhost"}}
	shop := &Site{Name: "shop", Hosts: []string{"shop.example.com"}}
	rest := &Site{Name: "rest"}
	for _, c := range []struct {
		sites Sites
		host  string
		want  *Site
	}{
		{Sites{rest, blog, shop}, "example.com", blog},
		{Sites{rest, blog, shop}, "www.Example.com:8080", blog},
		{Sites{rest, blog, shop}, "shop.example.com.", shop},
		{Sites{rest, blog, shop}, "evil-example.com", rest},
		{Sites{rest, blog, shop}, "[::1]:80", rest},
		{Sites{blog, shop}, "other.example", nil},
	} {
		if got := c.sites.ForHost(c.host); got != c.want {
			t.Errorf("%s: %v, want %v", c.host, got, c.want)
		}
	}
	if (Sites{blog, shop}).Named("shop") != shop || (Sites{blog}).Named("x") != nil {
		t.Error("sites are not found by name")
	}
}
