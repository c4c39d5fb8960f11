package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/config"
)

const whole = `
listen: localhost:9000
publish: out
calendars: {holidays: holidays.ics}
sites:
  - name: blog
    title: My blog
    zone: Asia/Shanghai
    hosts: [Example.com, www.example.com]
    articles: /posts/*
    trigger: daily 03:00 except holidays
    sources: [[script, pixel], log]
    logs: /var/log/nginx/access.log
    log_format: combined
    retention: 730d
    rate: 100 in 1m
    exclude:
      addresses: [192.0.2.7, 2001:db8::/32]
  - name: shop
    hosts: shop.example.com
    tables:
      - name: visits
        database: shop
        table: public.visits
        key: id
        columns: {at: created, url: path}
databases:
  shop:
    url: sqlite:${SHOP_DIR}/shop.db
    timeout: 1m
`

func TestParse(t *testing.T) {
	f, err := config.Parse("dir/beforehand.yaml", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	blog := f.Sites[0]
	site := blog.Collect()
	if site.Name != "blog" || strings.Join(site.Hosts, " ") != "example.com www.example.com" || blog.Zone != "Asia/Shanghai" {
		t.Errorf("%+v", site)
	}
	if p := blog.Precedence().String(); p != "script,pixel;log" {
		t.Errorf("precedence %s", p)
	}
	if blog.Rate != (config.Rate{Pageviews: 100, Within: time.Minute}) {
		t.Errorf("rate %v", blog.Rate)
	}
	if len(site.Exclude.Addrs) != 2 || site.Exclude.Addrs[0].String() != "192.0.2.7/32" || site.Exclude.Addrs[1].String() != "2001:db8::/32" {
		t.Errorf("excluded %v", site.Exclude.Addrs)
	}
	if got := f.Path(f.Publish); got != "dir/out" {
		t.Errorf("publish %s", got)
	}
	if _, err := f.Database("shop"); err == nil || !strings.Contains(err.Error(), "SHOP_DIR") {
		t.Errorf("a variable that is not set: error %v", err)
	}
	t.Setenv("SHOP_DIR", "rel")
	db, err := f.Database("shop")
	if err != nil || db.URL != "sqlite:dir/rel/shop.db" || db.Timeout != time.Minute {
		t.Errorf("database %+v, error %v", db, err)
	}
	if text := fmt.Sprint(f.Databases["shop"]); strings.Contains(text, "shop.db") {
		t.Errorf("a database shows its address: %s", text)
	}
	if table := f.Sites[1].Tables[0]; table.Name != "visits" || table.Columns.At != "created" {
		t.Errorf("table %+v", table)
	}
	if got := f.Path("/abs"); got != "/abs" {
		t.Errorf("absolute %s", got)
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"zone: Asia/Shanghai", "zone: Mars/Olympus", "beforehand.yaml:8:11: unknown time zone \"Mars/Olympus\""},
		{"trigger: daily 03:00 except holidays", "trigger: sometimes", "beforehand.yaml:11:14: "},
		{"Example.com,", "https://example.com,", "write it like example.com"},
		{"name: blog", "name: a/b", "beforehand.yaml:6:5: site name \"a/b\""},
		{"name: shop", "name: blog", "beforehand.yaml:5:1: two sites are called \"blog\""},
		{"hosts: shop.example.com", "hosts: example.com", "the host example.com is of both blog and shop"},
		{"192.0.2.7,", "nowhere,", "\"nowhere\" is no range of addresses"},
		{", log]", ", telegraph]", "unknown source \"telegraph\"; allowed are script, pixel"},
		{", log]", ", pixel]", "pixel is in it twice"},
		{"title: My blog", "titel: My blog", "unknown key \"titel\"; allowed are name, title"},
		{"database: shop", "database: store", "table visits of site shop: databases has no \"store\""},
		{"log_format: combined", "log_format: cuneiform", "beforehand.yaml:14:17: "},
		{"retention: 730d", "retention: 1h", "beforehand.yaml:15:5: a pageview is kept for 2d at least"},
		{"rate: 100 in 1m", "rate: 100", "must be like 100 in 1m"},
		{"key: id", "kee: id", "allowed are database, trigger, name, table, key"},
		{"key: id", "key: a,b,c", "key: one or two columns"},
		{"timeout: 1m", "timeout: long", "\"long\" is no length of time"},
		{"  - name: shop\n    hosts", "  - hosts", "the key \"name\" is missing"},
	} {
		_, err := config.Parse("beforehand.yaml", []byte(strings.Replace(whole, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", c.new, err, c.want)
		}
	}
}
