package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beforehand-go/beforehand/config"
)

// settled are the settings of serve by a file, variables and arguments.
func settled(t *testing.T, file string, variables map[string]string, args ...string) (appConfig, error) {
	t.Helper()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, config.FileName), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
	c := appConfig{}
	err := c.settle(stdio{strings.NewReader(""), io.Discard, io.Discard}, append([]string{"--data", data}, args...))
	return c, err
}

func TestFlagBeforeVariableBeforeFile(t *testing.T) {
	const file = "listen: localhost:1\nscript: filed\ntls: {certificate: a, key: b, hsts: 1d}\nproxies: {trusted: 10.0.0.1}\n"
	c, err := settled(t, file, map[string]string{
		"BEFOREHAND_LISTEN": "localhost:2", "BEFOREHAND_SCRIPT": "varied", "BEFOREHAND_HSTS": "2d", "BEFOREHAND_PUBLISH": "",
		"BEFOREHAND_TRUSTED_PROXIES": "10.0.0.2, 10.0.0.3", "BEFOREHAND_TRIGGER": "every 5m",
	}, "--listen", "localhost:3")
	if err != nil {
		t.Fatal(err)
	}
	f := c.file
	if f.Listen != "localhost:3" || f.Script != "varied" || time.Duration(f.TLS.Strict) != 48*time.Hour || f.TLS.Key != "b" {
		t.Errorf("%+v", f)
	}
	if len(f.Proxies.Trusted) != 2 || c.single.Trigger != "every 5m" || c.publish != "" {
		t.Errorf("%v, %q, %q", f.Proxies.Trusted, c.single.Trigger, c.publish)
	}
}

func TestAWrongVariableIsNamed(t *testing.T) {
	_, err := settled(t, "", map[string]string{"BEFOREHAND_LISTEN": "nowhere"})
	if err == nil || !strings.Contains(err.Error(), "variable BEFOREHAND_LISTEN") || !strings.Contains(err.Error(), "use host:port") {
		t.Error(err)
	}
}

func TestSettingsThatCannotBeTogether(t *testing.T) {
	for _, c := range []struct{ file, flag, want string }{
		{"tls: {certificate: a}", "", "give both"},
		{"tls: {certificate: a, key: b}", "--acme-hosts=stats.example.org", "not from both"},
		{"", "--redirect=:80", "no https without a certificate"},
		{"tls: {certificate: a, key: b, redirect: \"unix:/x\"}", "", "give host:port"},
		{"listen: \"unix:\"", "", "name the socket"},
		{"listen: \"unix:/" + strings.Repeat("x", 100) + "\"", "", "at most 100 bytes"},
		{"socket_mode: 0888", "", "write it like 0660"},
	} {
		var args []string
		if c.flag != "" {
			args = append(args, c.flag)
		}
		if _, err := settled(t, c.file, nil, args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %s: %v", c.file, c.flag, err)
		}
	}
}

// A variable of the environment chooses a directory, and nothing that a command
// other than serve does.
func TestOtherCommandsReadTwoVariables(t *testing.T) {
	t.Setenv("BEFOREHAND_SITE", "shop")
	t.Setenv("BEFOREHAND_DATA", "/somewhere")
	var place placeFlags
	var site string
	f := keepFlags("delete", &place)
	f.StringVar(&site, "site", "", "")
	if err := f.parse(stdio{}, nil, 0); err != nil || place.data != "/somewhere" || site != "" {
		t.Errorf("data %q, site %q, %v", place.data, site, err)
	}
}
